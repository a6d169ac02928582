/**
 * What other extensions may ask of this one: the model of the project that
 * this notebook server belongs to.
 */
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import type { IProblem } from './api/problem';
import type {
  IProject,
  IServerChange,
  ISession,
  ITensorBoard
} from './api/wire';

/**
 * Something that is read from the server now and then.
 *
 * `value` is what was last read (null until then); `problem` is why the last
 * try failed (null when it did not). Both are set when something that was
 * readable once can't be read any more.
 */
export interface IReading<T> {
  readonly value: T | null;
  readonly problem: IProblem | null;
}

/** The notebook or console whose kernel works in a Spark session. */
export interface ISessionOwner {
  readonly name: string;
  readonly path: string;
}

/** The project of this notebook server: one source for panel, status bar and commands. */
export interface IProjectModel extends IDisposable {
  /** Project, role, members and this server's resources. */
  readonly project: IReading<IProject>;
  /** My Spark sessions, newest first. */
  readonly sessions: IReading<readonly ISession[]>;
  /** The Spark session of the current tab; null where that has none. */
  readonly currentSession: ISession | null;
  /** What to do because Lab and the server extension differ in version; null when they do not. */
  readonly versionProblem: IProblem | null;
  /** Emitted when any of the above has changed. */
  readonly changed: ISignal<IProjectModel, void>;
  /** Reads everything now, without waiting for the next turn. */
  refresh(): Promise<void>;
  /**
   * Ends a Spark session.
   *
   * @throws ProblemError when it can't be ended.
   */
  endSession(id: number): Promise<void>;
  /**
   * Lets the idle time of a Spark session begin anew.
   *
   * @throws ProblemError when that fails.
   */
  keepSession(id: number): Promise<void>;
  /**
   * Ends a Spark session and restarts its kernel, so that the next cell starts
   * a new one; only ends it where its kernel does not run on this server.
   *
   * @throws ProblemError when it can't be ended.
   */
  restartSession(id: number): Promise<void>;
  /** Whose kernel works in `session`; null when that does not run on this server. */
  ownerOf(session: Pick<ISession, 'kernel'>): ISessionOwner | null;
  /**
   * The path of Spark's own pages of my session `id`; another one after each
   * start of the server.
   *
   * @throws ProblemError when it can't be told.
   */
  sparkPages(id: number): Promise<string>;
  /**
   * Stops this notebook server.
   *
   * @throws ProblemError when it can't be stopped.
   */
  stopServer(): Promise<IServerChange>;
  /**
   * Stops this notebook server and starts it with the same options.
   *
   * @throws ProblemError when it can't be restarted.
   */
  restartServer(): Promise<IServerChange>;
  /**
   * The TensorBoard over `logdir`; starts it if need be.
   *
   * @param logdir - relative to the project's folder.
   * @throws ProblemError when it can't be started.
   */
  startTensorBoard(logdir: string): Promise<ITensorBoard>;
  /**
   * Ends a TensorBoard.
   *
   * @throws ProblemError when it can't be ended.
   */
  stopTensorBoard(id: string): Promise<void>;
}

/** Token of {@link IProjectModel}. */
export const IProjectModel = new Token<IProjectModel>(
  'jupyterlab-hops:IProjectModel',
  'The project of this notebook server: people, server, Spark sessions and TensorBoards.'
);
