/** What the curves show: which series, under which name, and which direction is better. */
import { measureOf } from './comparison.ts';
import { type Curve, curveOf } from './curve.ts';
import type { Config, Setting } from './design.ts';
import type { Story } from './story.ts';
import { words } from './vary.ts';

/** A series to draw, and in which direction it is better. */
export interface Measure {
  series: string;
  name: string;
  source: 'steps' | 'evals';
  worst: number;
  kind: 'metric' | 'loss';
}

export const trainingLoss: Measure = {
  series: 'loss',
  name: 'training loss',
  source: 'steps',
  worst: Infinity,
  kind: 'loss',
};

export const curveFor = (story: Story, config: Config, measure: Measure): Curve =>
  curveOf(config, story[measure.source].tracks.get(measure.series), measure.worst);

/** What is drawn of evals.csv: the declared metric where it is one of validation, else the task's own. */
export function validationOf(story: Story, setting: Setting): Measure {
  const declared = story.manifest.compare?.metric ?? '';
  const measure = declared.startsWith('val_') ? measureOf(setting, declared) : undefined;
  if (measure?.kind === 'loss')
    return { series: 'val_loss', name: 'validation loss', source: 'evals', worst: Infinity, kind: 'loss' };
  const { metric } = setting;
  const worst = metric?.better === 'lower' ? Infinity : -Infinity;
  return {
    series: 'val_metric',
    name: `validation ${words(metric?.name ?? 'metric')}`,
    source: 'evals',
    worst,
    kind: 'metric',
  };
}

/** The strategy's configuration whose validation ended best, by the median over seeds. */
export function bestOf(story: Story, setting: Setting, strategy: string): Config | undefined {
  const measure = validationOf(story, setting);
  const end = (config: Config) => {
    const curve = curveFor(story, config, measure);
    const last = curve.points.at(-1);
    const value = last === undefined || curve.left * 2 <= curve.seeds ? measure.worst : last.mid;
    return measure.worst > 0 ? -value : value;
  };
  const configs = setting.configs.filter((config) => config.strategy === strategy);
  return configs.reduce<Config | undefined>(
    (best, config) => (best === undefined || end(config) > end(best) ? config : best),
    undefined,
  );
}
