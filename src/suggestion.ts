/** What a name with a slip in it was meant to be. */
import leven from 'leven';

/** The known name that is closest, or ends so (`length`, `task.length`), where it is close enough to be a slip. */
export function suggestion(name: string, known: string[]): string {
  const close = known
    .flatMap((candidate) => [
      { candidate, form: candidate },
      { candidate, form: candidate.slice(candidate.lastIndexOf('.') + 1) },
    ])
    .map(({ candidate, form }) => ({ candidate, form, distance: leven(name, form) }))
    .filter(({ form, distance }) => distance <= Math.max(1, Math.floor(form.length * 0.4)))
    .sort((a, b) => a.distance - b.distance)[0];
  return close === undefined ? '' : `; did you mean "${close.candidate}"?`;
}
