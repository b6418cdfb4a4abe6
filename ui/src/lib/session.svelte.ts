import { api, type Session } from './api';
import { may, type Right } from './model/rights';

class Here {
  session = $state.raw<Session | null>(null);
  /** The organisation's zone; until the session is read nothing with a time is shown. */
  get zone() {
    return this.session?.timeZone ?? 'Europe/London';
  }
  /** Whether a button for this is shown. The server decides; this only spares people what it would refuse. */
  may(right: Right): boolean {
    return may(this.session?.user.role ?? '', right);
  }
  async read() {
    this.session = await api.session();
  }
}

export const here = new Here();
