/** What a group is called beyond what is measured in it. */

/** Those of its settings that have several values in the file. */
export const varyingNames = (
  own: Readonly<Record<string, string>>,
  all: Readonly<Record<string, readonly string[]>>,
): string[] => Object.entries(all).flatMap(([key, values]) => (values.length > 1 ? (own[key] ?? []) : []));
