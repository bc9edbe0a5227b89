/** What the strategies of differential privacy have in common. */
import { z } from 'zod';

/** Option: how much noise there is on the sum of clipped gradients. */
export const noiseMultiplierOption = z.number().min(0).default(0).meta({
  description:
    'deviation of the normal noise on the sum over examples, in multiples of how much one example can change it (sigma); 0 is no noise',
  role: 'numeric',
  absent: 0,
});
