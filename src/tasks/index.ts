/** Every task. To add one: a file here and a line below. */
export { adding } from './adding.ts';
export { char_lm } from './char_lm.ts';
export { copy_memory } from './copy_memory.ts';
export { csv_file } from './csv_file.ts';
export { heavy_tail_regression } from './heavy_tail_regression.ts';
export { idx_file } from './idx_file.ts';
export { json_lines_file } from './json_lines_file.ts';
export { l0_l1_smooth } from './l0_l1_smooth.ts';
export { mnist } from './mnist.ts';
export { penguins } from './penguins.ts';
export { pixel_mnist } from './pixel_mnist.ts';
export { quadratic } from './quadratic.ts';
export { row_mnist } from './row_mnist.ts';
export { seattle_weather } from './seattle_weather.ts';
export { temporal_order } from './temporal_order.ts';
export { two_spirals } from './two_spirals.ts';
