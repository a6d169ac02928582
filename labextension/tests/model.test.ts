import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProblemError } from '../src/api/problem';
import type { Ask } from '../src/api/requests';
import { ProjectModel } from '../src/model/model';
import { PROJECT_ANSWER, SESSION_ANSWER } from './answers';

const trans = nullTranslator.load('jupyterlab_hops');
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
    return this.answers.has(key)
      ? Promise.resolve(read(this.answers.get(key)))
      : Promise.reject(new ProblemError(DOWN));
  };
}

describe('the model', () => {
  let server: ScriptedServer;
  let model: ProjectModel;

  beforeEach(() => {
    server = new ScriptedServer();
    model = new ProjectModel(server.ask, '0.1.3', trans);
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
