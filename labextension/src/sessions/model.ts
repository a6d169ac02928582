import type { TranslationBundle } from '@jupyterlab/translation';
import { Poll } from '@lumino/polling';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { ILog, IOverview, IOverviewItem, Scope } from '../api/overview';
import { readEnded, readLog, readOverview } from '../api/overview';
import { problemOf } from '../api/problem';
import type { Ask } from '../api/requests';
import { jsonBody } from '../api/requests';
import type { IReading } from '../tokens';

/** The pause after an answer; the next request is held by the server until there is something new. */
const PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** The Spark sessions that I may look after; they are read while they are looked at. */
export class SessionsModel implements IDisposable {
  /**
   * @param ask - the way to the server extension.
   * @param scope - whose sessions I may see at this moment.
   * @param trans - translates the problems.
   */
  constructor(
    private readonly ask: Ask,
    private readonly scope: () => Scope,
    private readonly trans: TranslationBundle
  ) {
    this.poll = new Poll({
      name: 'jupyterlab-hops:overview',
      auto: false,
      factory: () => this.read(true),
      frequency: { interval: PAUSE_MS, backoff: true, max: LONGEST_PAUSE_MS },
      standby: () => (this._isWatched ? 'when-hidden' : true)
    });
  }

  get overview(): IReading<IOverview> {
    return this._overview;
  }

  /** Whether somebody looks. */
  get isWatched(): boolean {
    return this._isWatched;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Begins to read, or stops; nothing is asked while nobody looks. */
  watch(isWatched: boolean): void {
    if (this._isWatched === isWatched || this._isDisposed) {
      return;
    }
    this._isWatched = isWatched;
    this._changed.emit();
    if (isWatched) {
      void this.refresh();
      void this.poll.start();
    } else {
      void this.poll.stop();
    }
  }

  /** Reads now, without waiting for something new. */
  async refresh(): Promise<void> {
    await this.read(false).catch(() => undefined);
  }

  /** Reads now if I may see another scope than was asked for last. */
  followRole(): void {
    if (this._isWatched && this.asked !== this.scope()) {
      void this.refresh();
    }
  }

  /** The session of that number, if it was read. */
  find(id: number): IOverviewItem | null {
    return this._overview.value?.items.find(item => item.id === id) ?? null;
  }

  /** The idle ones, my own or those of others. */
  idle(isOwn: boolean): readonly IOverviewItem[] {
    const items = this._overview.value?.items ?? [];
    return items.filter(item => item.isOwn === isOwn && item.state === 'idle');
  }

  /**
   * Ends a session; it stays in the list with the reason.
   *
   * @throws ProblemError when it can't be ended.
   */
  async stop(id: number): Promise<void> {
    await this.ask(`overview/${id}`, ignore, { method: 'DELETE' });
    await this.refresh();
  }

  /**
   * Ends those of the sessions `ids` that are idle still; returns which these were.
   *
   * @throws ProblemError when they can't be ended.
   */
  async stopIdle(
    scope: Scope,
    ids: readonly number[]
  ): Promise<readonly number[]> {
    const ended = await this.ask(
      'overview:stop-idle',
      readEnded,
      jsonBody('POST', { scope, sessions: ids })
    );
    await this.refresh();
    return ended;
  }

  /**
   * Takes one of my own sessions that have ended out of the list.
   *
   * @throws ProblemError when that fails.
   */
  async forget(id: number): Promise<void> {
    await this.ask(`session/${id}`, ignore, { method: 'DELETE' });
    await this.refresh();
  }

  /**
   * The last lines of a session's log.
   *
   * @throws ProblemError when it can't be read.
   */
  readLog(id: number): Promise<ILog> {
    return this.ask(`overview/${id}/log`, readLog);
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this.poll.dispose();
      Signal.clearData(this);
    }
  }

  private async read(isHeld: boolean): Promise<void> {
    const turn = ++this.turn;
    const scope = this.scope();
    const isSame = this.asked === scope;
    this.asked = scope;
    const { value, problem } = this._overview;
    // After a problem, or with another role, the answer is wanted at once.
    const seen =
      isHeld && isSame && value !== null && problem === null
        ? `&seen=${encodeURIComponent(value.version)}`
        : '';
    try {
      const read = await this.ask(
        `overview?scope=${scope}${seen}`,
        readOverview
      );
      this.take(turn, { value: read, problem: null });
    } catch (reason) {
      this.take(turn, {
        value: this._overview.value,
        problem: problemOf(reason, this.trans)
      });
      // The poll backs off after a failure.
      throw reason;
    }
  }

  private take(turn: number, reading: IReading<IOverview>): void {
    // An answer that was held for long may come after a newer one.
    if (turn < this.taken || this._isDisposed) {
      return;
    }
    this.taken = turn;
    this._overview = reading;
    this._changed.emit();
  }

  private readonly poll: Poll;
  private readonly _changed = new Signal<this, void>(this);
  private _overview: IReading<IOverview> = { value: null, problem: null };
  private _isWatched = false;
  private _isDisposed = false;
  private asked: Scope | null = null;
  private turn = 0;
  private taken = 0;
}

function ignore(): void {
  // What the answer says is read with the list.
}
