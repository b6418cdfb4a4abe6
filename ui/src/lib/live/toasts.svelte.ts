export interface Toast {
  id: number;
  tone: 'ok' | 'bad' | 'info';
  text: string;
  href?: string | undefined;
  link?: string | undefined;
}

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  say(tone: Toast['tone'], text: string, link?: { href: string; text: string }) {
    const toast: Toast = { id: this.#next++, tone, text, href: link?.href, link: link?.text };
    this.list = [...this.list.slice(-2), toast];
    // Bad news stays until it is closed.
    if (tone !== 'bad') setTimeout(() => this.close(toast.id), link ? 9000 : 6000);
  }
  close(id: number) {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
