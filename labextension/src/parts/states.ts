/** The states of a Spark session in words. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISession } from '../api/wire';
import { ordinalText } from './amounts';

/** What a state means to a person; also names the colour that it is shown in. */
export type Mood = 'calm' | 'working' | 'broken' | 'gone';

/** Mood of Livy's state `state`. */
export function moodOf(state: string): Mood {
  switch (state) {
    case 'idle':
    case 'success':
      return 'calm';
    case 'error':
    case 'dead':
      return 'broken';
    case 'killed':
    case 'shutting_down':
      return 'gone';
    default:
      return 'working';
  }
}

/** Livy's state `state` in words. */
export function stateText(state: string, trans: TranslationBundle): string {
  switch (state) {
    case 'not_started':
      return trans.__('waiting');
    case 'starting':
      return trans.__('starting');
    case 'recovering':
      return trans.__('recovering');
    case 'idle':
      return trans.__('idle');
    case 'running':
      return trans.__('running');
    case 'busy':
      return trans.__('busy');
    case 'shutting_down':
      return trans.__('ending');
    case 'error':
      return trans.__('failed');
    case 'dead':
      return trans.__('died');
    case 'killed':
      return trans.__('ended');
    case 'success':
      return trans.__('done');
    default:
      return state;
  }
}

/** The state of a session in words, with its place where it waits in the queue: `waiting (2nd of 5)`. */
export function stateWords(
  { state, queue }: Pick<ISession, 'state' | 'queue'>,
  trans: TranslationBundle
): string {
  return queue === null
    ? stateText(state, trans)
    : trans.__(
        'waiting (%1 of %2)',
        ordinalText(queue.position, trans),
        queue.length
      );
}

/** Whether a session in Livy's state `state` has ended. */
export function isFinal(state: string): boolean {
  return ['error', 'dead', 'killed', 'success'].includes(state);
}

/**
 * The one session that stands for all in a short place: the one that works,
 * else one that waits in the queue, else a healthy one, else the newest.
 */
export function foremost(sessions: readonly ISession[]): ISession | null {
  const working = sessions.filter(({ state }) => moodOf(state) === 'working');
  return (
    working.find(({ queue }) => queue === null) ??
    working[0] ??
    sessions.find(({ state }) => moodOf(state) === 'calm') ??
    sessions[0] ??
    null
  );
}
