import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProblemError } from '../src/api/problem';
import type { Ask } from '../src/api/requests';
import type { IKernels } from '../src/model/kernels';
import { ProjectModel } from '../src/model/model';
import type { ISessionOwner } from '../src/tokens';
import { PROJECT_ANSWER, SESSION_ANSWER } from './answers';

const trans = nullTranslator.load('jupyterlab_hops');
const WELCOME = { name: 'Welcome.ipynb', path: 'Jupyter/Welcome.ipynb' };
const GONE = {
  title: 'Not found',
  detail: 'You have no session 3.',
  remedy: null,
  status: 404
};
const DOWN = {
  title: 'Server stopped',
  detail: 'Your notebook server is not running.',
  remedy: 'Start it again.',
  status: 503
};

/** A server extension that answers from `answers`; what is missing there is down. */
class ScriptedServer {
  readonly answers = new Map<string, unknown>([
    ['GET project', PROJECT_ANSWER],
    ['GET session', { items: [SESSION_ANSWER] }]
  ]);
  readonly asked: string[] = [];

  readonly ask: Ask = (path, read, init = {}) => {
    const key = `${init.method ?? 'GET'} ${path}`;
    this.asked.push(
      typeof init.body === 'string' ? `${key} ${init.body}` : key
    );
    const answer = this.answers.get(key);
    if (answer instanceof ProblemError) {
      return Promise.reject(answer);
    }
    return this.answers.has(key)
      ? Promise.resolve(read(answer))
      : Promise.reject(new ProblemError(DOWN));
  };
}

/** Kernel `k1` runs, for Welcome.ipynb. */
class ScriptedKernels implements IKernels {
  readonly changed = new Signal<unknown, void>(this);
  readonly restarted: string[] = [];
  current: string | null = null;

  ownerOf(id: string): ISessionOwner | null {
    return id === 'k1' ? WELCOME : null;
  }

  restart(id: string): Promise<void> {
    this.restarted.push(id);
    return Promise.resolve();
  }
}

describe('the model', () => {
  let server: ScriptedServer;
  let kernels: ScriptedKernels;
  let model: ProjectModel;

  beforeEach(() => {
    server = new ScriptedServer();
    kernels = new ScriptedKernels();
    model = new ProjectModel(server.ask, kernels, '0.1.3', trans);
  });

  afterEach(() => {
    model.dispose();
  });

  it('knows nothing and asks nothing before it is started', () => {
    expect(model.project).toEqual({ value: null, problem: null });
    expect(server.asked).toEqual([]);
  });

  it('holds project and sessions once refreshed', async () => {
    await model.refresh();
    expect(model.project.value?.title).toBe('Weather of the coast');
    expect(model.sessions.value?.map(session => session.id)).toEqual([3]);
    expect(model.sessions.problem).toBeNull();
  });

  it('tells of a change, but not of the same answer again', async () => {
    let changes = 0;
    model.changed.connect(() => {
      changes += 1;
    });
    await model.refresh();
    const first = changes;
    expect(first).toBeGreaterThan(0);
    await model.refresh();
    expect(changes).toBe(first);
  });

  it('lets an idle time begin anew and reads when the session ends now', async () => {
    server.answers.set('POST session/3:keep', null);
    server.answers.set('GET session', {
      items: [{ ...SESSION_ANSWER, ends: 1_800_007_200.4 }]
    });
    await model.keepSession(3);
    expect(server.asked).toEqual(['POST session/3:keep', 'GET session']);
    expect(model.sessions.value?.[0]?.ends).toBe(1_800_007_200);
  });

  it('keeps what was read when the server goes away, beside the problem', async () => {
    await model.refresh();
    server.answers.delete('GET session');
    await model.refresh();
    expect(model.sessions.value).toHaveLength(1);
    expect(model.sessions.problem).toEqual(DOWN);
  });

  it('forgets the problem when the server is back', async () => {
    server.answers.delete('GET project');
    await model.refresh();
    expect(model.project).toEqual({ value: null, problem: DOWN });
    server.answers.set('GET project', PROJECT_ANSWER);
    await model.refresh();
    expect(model.project.problem).toBeNull();
  });

  it('reads the sessions again after one was ended', async () => {
    server.answers.set('DELETE session/3', null);
    await model.refresh();
    server.answers.set('GET session', { items: [] });
    await model.endSession(3);
    expect(model.sessions.value).toEqual([]);
  });

  it('hands on why a session could not be ended', async () => {
    await expect(model.endSession(9)).rejects.toMatchObject({ problem: DOWN });
  });

  it('restarts the kernel of a session, which ends the session too', async () => {
    const session = { ...SESSION_ANSWER, kernel: 'k1' };
    server.answers.set('GET session', { items: [session] });
    await model.refresh();
    server.answers.set('DELETE session/3', new ProblemError(GONE));
    server.answers.set('GET session', { items: [] });
    await model.restartSession(3);
    expect(kernels.restarted).toEqual(['k1']);
    expect(model.sessions.value).toEqual([]);
  });

  it('ends a session that a killed kernel left behind', async () => {
    const session = { ...SESSION_ANSWER, kernel: 'k1' };
    server.answers.set('GET session', { items: [session] });
    server.answers.set('DELETE session/3', null);
    await model.refresh();
    await model.restartSession(3);
    expect(server.asked).toContain('DELETE session/3');
  });

  it('only ends a session whose kernel does not run here', async () => {
    const session = { ...SESSION_ANSWER, kernel: 'k2' };
    server.answers.set('GET session', { items: [session] });
    server.answers.set('DELETE session/3', null);
    await model.refresh();
    await model.restartSession(3);
    expect(kernels.restarted).toEqual([]);
    expect(server.asked).toContain('DELETE session/3');
  });

  it('hands on why a session could not be restarted', async () => {
    await model.refresh();
    await expect(model.restartSession(3)).rejects.toMatchObject({
      problem: DOWN
    });
  });

  it('takes the session of the current tab and no other, be it the only one', async () => {
    const first = { ...SESSION_ANSWER, id: 4, kernel: 'k1' };
    const second = { ...SESSION_ANSWER, id: 5, kernel: 'k2' };
    server.answers.set('GET session', { items: [first, second] });
    await model.refresh();
    expect(model.currentSession).toBeNull();
    kernels.current = 'k1';
    expect(model.currentSession?.id).toBe(4);
    server.answers.set('GET session', { items: [second] });
    await model.refresh();
    expect(model.currentSession).toBeNull();
  });

  it('tells of kernels that come and go', async () => {
    await model.refresh();
    let changes = 0;
    model.changed.connect(() => {
      changes += 1;
    });
    kernels.changed.emit();
    expect(changes).toBe(1);
  });

  it('asks for a TensorBoard by its log directory', async () => {
    server.answers.set('POST tensorboards', {
      id: 'abc',
      logdir: 'Experiments/run',
      url: '/user/ada/weather/hops/tensorboards/abc/'
    });
    const board = await model.startTensorBoard('Experiments/run');
    expect(board.url).toBe('/user/ada/weather/hops/tensorboards/abc/');
    expect(server.asked).toEqual([
      'POST tensorboards {"logdir":"Experiments/run"}'
    ]);
  });

  it('asks where the pages of Spark are, and believes no address of another site', async () => {
    const url = '/user/ada/weather/hops/session/3/ui/a-secret/';
    server.answers.set('POST session/3:pages', { url });
    expect(await model.sparkPages(3)).toBe(url);
    server.answers.set('POST session/3:pages', { url: '//elsewhere.test/' });
    expect(await model.sparkPages(3)).toBe('/');
    expect(server.asked).toEqual([
      'POST session/3:pages',
      'POST session/3:pages'
    ]);
  });

  it('takes another patch release of the server for the same version', async () => {
    await model.refresh();
    expect(model.versionProblem).toBeNull();
  });

  it('says what to do when the server is of another minor version', async () => {
    server.answers.set('GET project', { ...PROJECT_ANSWER, version: '0.2.0' });
    await model.refresh();
    expect(model.versionProblem?.detail).toContain('0.2.0');
    expect(model.versionProblem?.remedy).toContain('Reload');
  });
});
