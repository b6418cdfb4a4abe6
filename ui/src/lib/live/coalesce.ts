// Many change events, few reads: what came within the window is told once, as one set.

export interface Change {
  objects: ReadonlySet<string>;
  /** `null`: too many to name, anything may have changed. */
  subjects: ReadonlySet<string> | null;
}

export interface Clock {
  set(run: () => void, ms: number): unknown;
  clear(timer: never): void;
}

const realClock: Clock = {
  set: (run, ms) => setTimeout(run, ms),
  clear: (timer) => clearTimeout(timer),
};

export function coalesce(tell: (change: Change) => void, ms = 150, clock: Clock = realClock) {
  let objects = new Set<string>();
  let subjects: Set<string> | null = new Set();
  let timer: unknown = null;

  const flush = () => {
    timer = null;
    const change = { objects, subjects };
    objects = new Set();
    subjects = new Set();
    tell(change);
  };

  return {
    add(event: { objects: readonly string[]; subjects: readonly string[] | null }) {
      for (const object of event.objects) objects.add(object);
      if (event.subjects === null) subjects = null;
      else if (subjects) for (const subject of event.subjects) subjects.add(subject);
      timer ??= clock.set(flush, ms);
    },
    stop() {
      if (timer !== null) clock.clear(timer as never);
      timer = null;
    },
  };
}

/** One read at a time; a wish that comes while one is under way makes exactly one more. */
export function single(read: () => Promise<void>) {
  let running = false;
  let again = false;
  return async function run(): Promise<void> {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      do {
        again = false;
        await read();
      } while (again);
    } finally {
      running = false;
    }
  };
}
