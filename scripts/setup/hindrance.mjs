/** Why the native backend can't be brought here, and what the user can do about it: both go into one line. */
export class Hindrance extends Error {
  /**
   * @param {string} why
   * @param {string} remedy
   */
  constructor(why, remedy) {
    super(why);
    this.remedy = remedy;
  }
}

export const NETWORK = 'check the network and run `npx clipbench doctor`';
