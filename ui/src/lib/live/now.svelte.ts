// One clock for all ages on the screen.
class Now {
  at = $state(Date.now());
  #timer: ReturnType<typeof setInterval> | null = null;

  start() {
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => {
      if (!document.hidden) this.at = Date.now();
    }, 5000);
  }
}

export const now = new Now();
