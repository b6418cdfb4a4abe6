// The one SSE stream of the page. Whoever shows data listens here and reads again when its objects changed.
import { toLogin } from '../api/client';
import { coalesce, type Change } from './coalesce';

type Listener = (change: Change) => void;

class Stream {
  /** `live` as soon as the server has accepted the stream; `lost` while the browser or we try again. */
  state = $state<'opening' | 'live' | 'lost'>('opening');
  /** When the stream was last known to be alive: what is shown is at most that new. */
  lastLive = $state<string | null>(null);

  #source: EventSource | null = null;
  #listeners = new Set<Listener>();
  #retry: ReturnType<typeof setTimeout> | null = null;
  #wait = 1000;
  #dropped = false;
  #window = coalesce((change) => {
    for (const listener of this.#listeners) listener(change);
  });

  open() {
    if (this.#source) return;
    const source = new EventSource('/api/events');
    this.#source = source;
    source.addEventListener('open', () => {
      this.state = 'live';
      this.#wait = 1000;
      this.lastLive = new Date().toISOString();
      // After a gap nobody can say what was missed; everything shown is read again.
      if (this.#dropped) this.#everything();
      this.#dropped = false;
    });
    source.addEventListener('change', (event) => {
      this.lastLive = new Date().toISOString();
      try {
        this.#window.add(JSON.parse((event as MessageEvent<string>).data));
      } catch {
        this.#everything();
      }
    });
    source.addEventListener('error', () => {
      if (this.state === 'live') this.lastLive = new Date().toISOString();
      this.#dropped = true;
      this.state = 'lost';
      // The browser tries again by itself unless the server refused; then it is closed and we must.
      if (source.readyState === EventSource.CLOSED) void this.#again();
    });
  }

  close() {
    this.#source?.close();
    this.#source = null;
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
    this.#window.stop();
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #everything() {
    for (const listener of this.#listeners) listener({ objects: new Set(['*']), subjects: null });
  }

  async #again() {
    this.#source = null;
    const status = await fetch('/api/session').then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 401) return toLogin();
    this.#retry = setTimeout(() => this.open(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, 30_000);
  }
}

export const stream = new Stream();
