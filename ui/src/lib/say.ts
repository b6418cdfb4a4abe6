import { ApiProblem } from './api';
import { toasts } from './live/toasts.svelte';

/** Does it, and says in a toast why when the server refuses. */
export async function attempt<A>(doing: () => Promise<A>): Promise<A | null> {
  try {
    return await doing();
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    if (error.status !== 401) toasts.say('bad', error.detail);
    return null;
  }
}
