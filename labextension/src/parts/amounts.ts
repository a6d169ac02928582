/** Amounts in words. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { SessionResources } from '../api/wire';

const MIB_PER_GIB = 1024;
const MINUTES_PER_HOUR = 60;
const SECONDS_PER_MINUTE = 60;
const HOURS_PER_DAY = 24;
/** Those of the language that the texts are written in. */
const ORDINALS = new Intl.PluralRules('en', { type: 'ordinal' });

/** Memory: `1.5 GiB` from 1 GiB on, `512 MiB` below. */
export function memoryText(mib: number, trans: TranslationBundle): string {
  if (mib < MIB_PER_GIB) {
    return trans.__('%1 MiB', mib);
  }
  return trans.__('%1 GiB', Math.round((mib / MIB_PER_GIB) * 10) / 10);
}

/** A place in a row: `1st`, `2nd`, `3rd`, `11th`. */
export function ordinalText(place: number, trans: TranslationBundle): string {
  switch (ORDINALS.select(place)) {
    case 'one':
      return trans.__('%1st', place);
    case 'two':
      return trans.__('%1nd', place);
    case 'few':
      return trans.__('%1rd', place);
    default:
      return trans.__('%1th', place);
  }
}

/** How many executors a session has: `2 executors`, `1 to 4 executors as needed`. */
export function executorsText(
  { executors, bounds }: Pick<SessionResources, 'executors' | 'bounds'>,
  trans: TranslationBundle
): string {
  return bounds === null
    ? trans._n('%1 executor', '%1 executors', executors)
    : trans._n(
        '%2 to %1 executor as needed',
        '%2 to %1 executors as needed',
        bounds.most,
        bounds.least
      );
}

/** What each executor has: `2 cores and 4 GiB each`, of a single one without the last word. */
export function eachText(
  resources: SessionResources,
  trans: TranslationBundle
): string {
  const { executors, bounds, executor_cores: cores } = resources;
  const memory = memoryText(resources.executor_memory_mib, trans);
  return (bounds?.most ?? executors) === 1
    ? trans._n('%1 core and %2', '%1 cores and %2', cores, memory)
    : trans._n('%1 core and %2 each', '%1 cores and %2 each', cores, memory);
}

/** The GPUs of each executor: `2 GPUs each`, of a single one without the last word. */
export function gpusText(
  { executors, bounds, gpus_per_executor: gpus }: SessionResources,
  trans: TranslationBundle
): string {
  return (bounds?.most ?? executors) === 1
    ? trans._n('%1 GPU', '%1 GPUs', gpus)
    : trans._n('%1 GPU each', '%1 GPUs each', gpus);
}

/** The GPUs that a session asked for, all together: `4 GPUs (a100)`, `up to 8 GPUs` where executors come and go. */
export function askedGpusText(
  { executors, bounds, gpus_per_executor: gpus, gpu_label }: SessionResources,
  trans: TranslationBundle
): string {
  const total = gpus * (bounds?.most ?? executors);
  const text =
    bounds === null
      ? trans._n('%1 GPU', '%1 GPUs', total)
      : trans._n('up to %1 GPU', 'up to %1 GPUs', total);
  return gpu_label === null ? text : trans.__('%1 (%2)', text, gpu_label);
}

/** A span of minutes: `45 min`, `2 h`, `2 h 30 min`, `3 d`. */
export function minutesText(minutes: number, trans: TranslationBundle): string {
  const whole = Math.max(0, Math.round(minutes));
  if (whole < MINUTES_PER_HOUR) {
    return trans.__('%1 min', whole);
  }
  const hours = Math.floor(whole / MINUTES_PER_HOUR);
  const rest = whole % MINUTES_PER_HOUR;
  if (rest === 0 && hours % HOURS_PER_DAY === 0) {
    return trans.__('%1 d', hours / HOURS_PER_DAY);
  }
  return rest === 0
    ? trans.__('%1 h', hours)
    : trans.__('%1 h %2 min', hours, rest);
}

/** How long ago `created` (seconds since the epoch) was at `now` (likewise). */
export function ageText(
  created: number,
  now: number,
  trans: TranslationBundle
): string {
  return minutesText((now - created) / SECONDS_PER_MINUTE, trans);
}

/** A span of seconds, to the second below one minute: `12 s`, `45 min`. */
export function spanText(seconds: number, trans: TranslationBundle): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < SECONDS_PER_MINUTE
    ? trans.__('%1 s', whole)
    : minutesText(whole / SECONDS_PER_MINUTE, trans);
}
