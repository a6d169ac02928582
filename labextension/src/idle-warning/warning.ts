import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISession } from '../api/wire';
import { problemOf } from '../api/problem';
import type { IProjectModel } from '../tokens';

const MS_PER_S = 1_000;
/** So long before its end a session is spoken of, at most. */
const EARLIEST_S = 5 * 60;
/** And no earlier than this part of its idle time before its end. */
const PART = 0.1;
/** A browser's timer takes no more; until then the model has told of something new. */
const LONGEST_WAIT_S = 24 * 3600;

/** How long before its end `session` is spoken of, in seconds. */
export function warnedBefore(session: ISession): number {
  return Math.min(EARLIEST_S, (session.idleTimeout ?? 0) * PART);
}

/** In how many seconds `session` is to be spoken of; 0 is now, null never. */
export function warnedIn(session: ISession, now: number): number | null {
  return session.ends === null
    ? null
    : Math.max(0, session.ends - warnedBefore(session) - now);
}

/** The sentence for `session`, whose end is known. */
export function warningText(
  session: ISession,
  notebook: string | null,
  trans: TranslationBundle
): string {
  const time = new Date((session.ends ?? 0) * MS_PER_S).toLocaleTimeString(
    undefined,
    { timeStyle: 'short' }
  );
  return notebook === null
    ? trans.__(
        'Spark session %1 is idle and ends at %2, with its variables. Run something there, or keep it.',
        session.id,
        time
      )
    : trans.__(
        'The Spark session of %1 is idle and ends at %2, with its variables. Run a cell there, or keep it.',
        notebook,
        time
      );
}

/** Speaks of each of my idle sessions once before it ends, and takes that back when it does not. */
export class IdleWarning {
  constructor(
    private readonly model: IProjectModel,
    private readonly trans: TranslationBundle
  ) {
    model.changed.connect(this.look);
    this.look();
  }

  /** Stops; what is shown stays. */
  dispose(): void {
    this.model.changed.disconnect(this.look);
    window.clearTimeout(this.timer);
  }

  private readonly look = (): void => {
    window.clearTimeout(this.timer);
    const now = Date.now() / MS_PER_S;
    const sessions = this.model.sessions.value ?? [];
    let nextS = LONGEST_WAIT_S;
    for (const session of sessions) {
      const inS = warnedIn(session, now);
      if (inS === 0) {
        this.warn(session);
      } else {
        this.takeBack(session.id);
        nextS = Math.min(nextS, inS ?? LONGEST_WAIT_S);
      }
    }
    for (const id of [...this.shown.keys()]) {
      if (!sessions.some(session => session.id === id)) {
        this.takeBack(id);
      }
    }
    if (sessions.length > 0) {
      this.timer = window.setTimeout(this.look, nextS * MS_PER_S);
    }
  };

  private warn(session: ISession): void {
    if (this.shown.has(session.id)) {
      return;
    }
    const notebook = this.model.ownerOf(session)?.name ?? session.notebook;
    this.shown.set(
      session.id,
      Notification.warning(warningText(session, notebook, this.trans), {
        autoClose: false,
        actions: [
          {
            label: this.trans.__('Keep It'),
            displayType: 'accent',
            callback: () => {
              void this.keep(session.id);
            }
          }
        ]
      })
    );
  }

  private async keep(id: number): Promise<void> {
    try {
      await this.model.keepSession(id);
    } catch (reason) {
      const { detail, remedy } = problemOf(reason, this.trans);
      Notification.error([detail, remedy ?? ''].join(' ').trim());
    }
  }

  private takeBack(id: number): void {
    const shown = this.shown.get(id);
    if (shown !== undefined) {
      this.shown.delete(id);
      Notification.dismiss(shown);
    }
  }

  /** The notification of each session that was spoken of. */
  private readonly shown = new Map<number, string>();
  private timer = 0;
}
