// What a page shows: read it, show it, read it again when it changed. Old data stays on the screen while the new
// is under way and when it cannot be had; its age says so.
import { untrack } from 'svelte';
import { ApiProblem } from '../api/client';
import { single, type Change } from './coalesce';
import { stream } from './stream.svelte';

export class Resource<A> {
  data = $state.raw<A | null>(null);
  problem = $state.raw<ApiProblem | null>(null);
  /** A read for new parameters is under way: what is shown belongs to the old ones. */
  turning = $state(false);

  #read: (signal: AbortSignal) => Promise<A>;
  #abort: AbortController | null = null;
  #again = single(() => this.#once());

  /**
   * Call while a component is set up. `read` is run again when state it touches changes (synchronously, before its
   * first await) and when an event names one of `objects`.
   */
  constructor(
    objects: readonly string[],
    read: (signal: AbortSignal) => Promise<A>,
    touches: (change: Change) => boolean = () => true,
  ) {
    this.#read = read;
    $effect(() => {
      const signal = this.#begin();
      const first = read(signal);
      untrack(() => {
        this.turning = true;
        void this.#settle(first, signal);
      });
    });
    $effect(() =>
      stream.listen((change) => {
        if (change.objects.has('*')) void this.#again();
        else if (objects.some((object) => change.objects.has(object)) && touches(change)) void this.#again();
      }),
    );
    $effect(() => () => this.#abort?.abort());
  }

  reload = () => this.#again();

  #begin(): AbortSignal {
    this.#abort?.abort();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  async #once() {
    const signal = this.#begin();
    await this.#settle(this.#read(signal), signal);
  }

  async #settle(reading: Promise<A>, signal: AbortSignal) {
    try {
      const data = await reading;
      if (signal.aborted) return;
      this.data = data;
      this.problem = null;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      this.problem = error;
    }
    this.turning = false;
  }
}
