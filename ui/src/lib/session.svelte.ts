import { api, type Session } from './api';

class Here {
  session = $state.raw<Session | null>(null);
  /** The organisation's zone; until the session is read nothing with a time is shown. */
  get zone() {
    return this.session?.timeZone ?? 'Europe/London';
  }
  async read() {
    this.session = await api.session();
  }
}

export const here = new Here();
