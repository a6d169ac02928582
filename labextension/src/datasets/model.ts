import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type {
  IDatasetDetail,
  IDatasetEntry,
  IDatasetList
} from '../api/datasets';
import { readDatasetDetail, readDatasetList } from '../api/datasets';
import { problemOf } from '../api/problem';
import type { Ask } from '../api/requests';
import type { IReading } from '../tokens';

/** How often they are read while somebody looks at them, and else, for the menu of the file browser. */
const WATCHED_INTERVAL_MS = 10_000;
const INTERVAL_MS = 60_000;
const LONGEST_INTERVAL_MS = 120_000;

/** The datasets that this project sees: its own, and those of others. */
export class DatasetsModel implements IDisposable {
  /**
   * @param ask - the way to the server extension.
   * @param trans - translates the problems.
   */
  constructor(
    private readonly ask: Ask,
    private readonly trans: TranslationBundle
  ) {
    this.poll = new Poll({
      name: 'jupyterlab-hops:datasets',
      auto: false,
      factory: () => this.read(),
      frequency: {
        interval: INTERVAL_MS,
        backoff: true,
        max: LONGEST_INTERVAL_MS
      },
      standby: 'when-hidden',
      linger: 0
    });
  }

  get list(): IReading<IDatasetList> {
    return this._list;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Begins to read. */
  start(): void {
    void this.poll.start();
  }

  /** Reads more often while somebody looks. */
  watch(isWatched: boolean): void {
    if (this._isDisposed) {
      return;
    }
    this.poll.frequency = {
      ...this.poll.frequency,
      interval: isWatched ? WATCHED_INTERVAL_MS : INTERVAL_MS
    };
    if (isWatched) {
      void this.refresh();
    }
  }

  /** Reads now; done when the answer, or its problem, is here. */
  async refresh(): Promise<void> {
    await this.poll.refresh();
    await this.poll.tick;
  }

  /** The dataset of that name, if it was read. */
  find(name: string): IDatasetEntry | null {
    return this._list.value?.items.find(item => item.name === name) ?? null;
  }

  /**
   * A dataset with its size and who has it.
   *
   * @throws ProblemError when it can't be told.
   */
  describe(name: string): Promise<IDatasetDetail> {
    const inAddress = encodeURIComponent(name.replaceAll('/', ':'));
    return this.ask(
      `datasets/${inAddress.replaceAll('%3A', ':')}`,
      readDatasetDetail
    );
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this.poll.dispose();
      Signal.clearData(this);
    }
  }

  private async read(): Promise<void> {
    try {
      this.set({
        value: await this.ask('datasets', readDatasetList),
        problem: null
      });
    } catch (reason) {
      this.set({
        value: this._list.value,
        problem: problemOf(reason, this.trans)
      });
      // The poll backs off after a failure.
      throw reason;
    }
  }

  private set(reading: IReading<IDatasetList>): void {
    if (JSON.stringify(reading) !== JSON.stringify(this._list)) {
      this._list = reading;
      this._changed.emit();
    }
  }

  private readonly poll: Poll;
  private readonly _changed = new Signal<this, void>(this);
  private _list: IReading<IDatasetList> = { value: null, problem: null };
  private _isDisposed = false;
}
