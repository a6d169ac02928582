import type { TranslationBundle } from '@jupyterlab/translation';
import { Poll } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { IProblem } from '../api/problem';
import { ProblemError, problemOf } from '../api/problem';
import type { Ask } from '../api/requests';
import { jsonBody } from '../api/requests';
import type {
  IProject,
  IServerChange,
  ISession,
  ITensorBoard
} from '../api/wire';
import {
  readProject,
  readServerChange,
  readSessions,
  readSparkPages,
  readTensorBoard
} from '../api/wire';
import type { IProjectModel, IReading, ISessionOwner } from '../tokens';
import { versionProblem } from './handshake';
import type { IKernels } from './kernels';

const PROJECT_INTERVAL_MS = 60_000;
const SESSIONS_INTERVAL_MS = 5_000;
const LONGEST_INTERVAL_MS = 120_000;

const NOTHING_READ = { value: null, problem: null } as const;

/** {@link IProjectModel} over the routes of the server extension. */
export class ProjectModel implements IProjectModel {
  /**
   * @param ask - the way to the server extension.
   * @param kernels - those of this notebook server.
   * @param version - version of this extension, for the handshake.
   * @param trans - translates the problems.
   */
  constructor(
    private readonly ask: Ask,
    private readonly kernels: IKernels,
    private readonly version: string,
    private readonly trans: TranslationBundle
  ) {
    kernels.changed.connect(this.onKernelsChanged, this);
    this.projectPoll = new Poll({
      name: 'jupyterlab-hops:project',
      auto: false,
      factory: () => this.readProject(),
      frequency: {
        interval: PROJECT_INTERVAL_MS,
        backoff: true,
        max: LONGEST_INTERVAL_MS
      },
      standby: 'when-hidden',
      linger: 0
    });
    this.sessionsPoll = new Poll({
      name: 'jupyterlab-hops:sessions',
      auto: false,
      factory: () => this.readSessions(),
      frequency: {
        interval: SESSIONS_INTERVAL_MS,
        backoff: true,
        max: LONGEST_INTERVAL_MS
      },
      standby: 'when-hidden',
      linger: 0
    });
  }

  get project(): IReading<IProject> {
    return this._project;
  }

  get sessions(): IReading<readonly ISession[]> {
    return this._sessions;
  }

  get currentSession(): ISession | null {
    const { current } = this.kernels;
    return (
      this._sessions.value?.find(
        ({ kernel }) => kernel !== null && kernel === current
      ) ?? null
    );
  }

  get versionProblem(): IProblem | null {
    const project = this._project.value;
    return project === null
      ? null
      : versionProblem(this.version, project.version, this.trans);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Begins to read, at once and then every so often while the page is visible. */
  start(): void {
    void this.projectPoll.start();
    void this.sessionsPoll.start();
  }

  async refresh(): Promise<void> {
    await Promise.all([readNow(this.projectPoll), readNow(this.sessionsPoll)]);
  }

  async endSession(id: number): Promise<void> {
    await this.ask(`session/${id}`, ignore, { method: 'DELETE' });
    await readNow(this.sessionsPoll);
  }

  async keepSession(id: number): Promise<void> {
    await this.ask(`session/${id}:keep`, ignore, { method: 'POST' });
    await readNow(this.sessionsPoll);
  }

  async restartSession(id: number): Promise<void> {
    const session = this._sessions.value?.find(session => session.id === id);
    const kernel = session?.kernel ?? null;
    if (kernel !== null && this.kernels.ownerOf(kernel) !== null) {
      await this.kernels.restart(kernel);
    }
    try {
      await this.endSession(id);
    } catch (reason) {
      // A kernel ends its session when it ends; one that is killed while it works can't.
      if (!(reason instanceof ProblemError) || reason.problem.status !== 404) {
        throw reason;
      }
      await readNow(this.sessionsPoll);
    }
  }

  ownerOf({ kernel }: Pick<ISession, 'kernel'>): ISessionOwner | null {
    return kernel === null ? null : this.kernels.ownerOf(kernel);
  }

  sparkPages(id: number): Promise<string> {
    return this.ask(`session/${id}:pages`, readSparkPages, { method: 'POST' });
  }

  stopServer(): Promise<IServerChange> {
    return this.ask('server:stop', readServerChange, { method: 'POST' });
  }

  restartServer(): Promise<IServerChange> {
    return this.ask('server:restart', readServerChange, { method: 'POST' });
  }

  startTensorBoard(logdir: string): Promise<ITensorBoard> {
    return this.ask(
      'tensorboards',
      readTensorBoard,
      jsonBody('POST', { logdir })
    );
  }

  async stopTensorBoard(id: string): Promise<void> {
    await this.ask(`tensorboards/${encodeURIComponent(id)}`, ignore, {
      method: 'DELETE'
    });
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this.projectPoll.dispose();
    this.sessionsPoll.dispose();
    Signal.clearData(this);
  }

  private async readProject(): Promise<void> {
    try {
      const value = await this.ask('project', readProject);
      this.setProject({ value, problem: null });
    } catch (reason) {
      this.setProject({
        value: this._project.value,
        problem: problemOf(reason, this.trans)
      });
      // The poll backs off after a failure.
      throw reason;
    }
  }

  private async readSessions(): Promise<void> {
    try {
      const value = await this.ask('session', readSessions);
      this.setSessions({ value, problem: null });
    } catch (reason) {
      this.setSessions({
        value: this._sessions.value,
        problem: problemOf(reason, this.trans)
      });
      throw reason;
    }
  }

  private readonly onKernelsChanged = (): void => {
    this._changed.emit();
  };

  private setProject(reading: IReading<IProject>): void {
    if (!sameReading(this._project, reading)) {
      this._project = reading;
      this._changed.emit();
    }
  }

  private setSessions(reading: IReading<readonly ISession[]>): void {
    if (!sameReading(this._sessions, reading)) {
      this._sessions = reading;
      this._changed.emit();
    }
  }

  private readonly projectPoll: Poll;
  private readonly sessionsPoll: Poll;
  private readonly _changed = new Signal<this, void>(this);
  private _project: IReading<IProject> = NOTHING_READ;
  private _sessions: IReading<readonly ISession[]> = NOTHING_READ;
  private _isDisposed = false;
}

/** Reads now; done when the answer, or its problem, is in the model. */
async function readNow(poll: Poll): Promise<void> {
  await poll.refresh();
  await poll.tick;
}

function ignore(): void {
  // An answer without content.
}

/** Whether two readings show the same; spares the page what would change nothing. */
function sameReading<T>(one: IReading<T>, other: IReading<T>): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
