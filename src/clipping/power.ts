/** Which norm: of Lp norms, 1 to infinity. */
import { z } from 'zod';

/** YAML has numbers for all but one, which goes by the name that PyTorch takes too. */
export type PowerOption = number | 'inf';

export const powerOption = z
  .union([z.number().min(1), z.literal('inf')])
  .default(2)
  .meta({ description: 'which norm: 1, 2, ... or inf, the largest absolute value', role: 'structural' });

export const powerOf = (p: PowerOption): number => (p === 'inf' ? Number.POSITIVE_INFINITY : p);
