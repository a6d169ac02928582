import { describe, expect, it } from 'vitest';
import { UnexpectedAnswerError } from '../src/api/reading';
import {
  readProblem,
  readProject,
  readSessions,
  readTensorBoard
} from '../src/api/wire';
import { PROJECT_ANSWER, SESSION_ANSWER } from './answers';

describe('the answers of the server extension', () => {
  it('become a project with its links and options', () => {
    const project = readProject(PROJECT_ANSWER);
    expect(project.title).toBe('Weather of the coast');
    expect(project.role).toBe('data_owner');
    expect(project.options.executor_memory_mib).toBe(2048);
    expect(project.projectLink).toBe('/services/hops/projects/weather');
    expect(project.members.map(member => member.user)).toEqual([
      'ada',
      'grace'
    ]);
  });

  it('name a member without a title by the user name', () => {
    const [member] = readProject({
      ...PROJECT_ANSWER,
      members: [{ user: 'ada', title: '', role: 'data_owner' }]
    }).members;
    expect(member?.title).toBe('ada');
  });

  it('tell the datasets, also those that nobody described', () => {
    const { datasets, datasetsProblem } = readProject({
      ...PROJECT_ANSWER,
      datasets: [
        ...PROJECT_ANSWER.datasets,
        { name: 'Logs', description: '' },
        { name: 'Models' }
      ]
    });
    expect(datasets).toEqual([
      { name: 'Jupyter', description: 'Notebooks.' },
      { name: 'Resources', description: null },
      { name: 'Logs', description: null },
      { name: 'Models', description: null }
    ]);
    expect(datasetsProblem).toBeNull();
  });

  it('may come from a server that does not tell the datasets', () => {
    const { datasets, datasets_problem, ...older } = PROJECT_ANSWER;
    expect([datasets.length, datasets_problem]).toEqual([2, null]);
    const project = readProject(older);
    expect(project.title).toBe('Weather of the coast');
    expect(project.datasets).toBeNull();
    expect(project.datasetsProblem).toBeNull();
  });

  it('are refused when a dataset has no name', () => {
    expect(() =>
      readProject({ ...PROJECT_ANSWER, datasets: [{ description: 'x' }] })
    ).toThrow(new UnexpectedAnswerError('name', 'a text'));
  });

  it('give a role that is not known the lesser one', () => {
    const project = readProject({ ...PROJECT_ANSWER, role: 'emperor' });
    expect(project.role).toBe('data_scientist');
  });

  it.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    'javascript:alert(1)'
  ])('lead no click to %s', url => {
    const { projectLink } = readProject({
      ...PROJECT_ANSWER,
      links: { project: url, projects: '/hub/home' }
    });
    expect(projectLink).toBe('/');
    expect(readTensorBoard({ id: 'a', logdir: 'b', url }).url).toBe('/');
  });

  it('become sessions, newest first, also without resources', () => {
    const sessions = readSessions({
      items: [SESSION_ANSWER, { ...SESSION_ANSWER, id: 4, resources: null }]
    });
    expect(sessions.map(session => session.id)).toEqual([4, 3]);
    expect(sessions[1]?.resources?.executors).toBe(2);
    expect(sessions[0]?.resources).toBeNull();
  });

  it('tell the bounds of executors that come and go', () => {
    const resources = {
      ...SESSION_ANSWER.resources,
      min_executors: 0,
      max_executors: 4
    };
    const [dynamic, fixed] = readSessions({
      items: [{ ...SESSION_ANSWER, id: 4, resources }, SESSION_ANSWER]
    });
    expect(dynamic?.resources?.bounds).toEqual({ least: 0, most: 4 });
    expect(fixed?.resources?.bounds).toBeNull();
  });

  it('are refused with the name of the field that is not as agreed', () => {
    expect(() => readProject({ ...PROJECT_ANSWER, title: 7 })).toThrow(
      new UnexpectedAnswerError('title', 'a text')
    );
    expect(() => readSessions({ items: 'none' })).toThrow("'items'");
    expect(() => readSessions({ items: [null] })).toThrow("'items[0]'");
  });

  it('keep the remedy of a problem', () => {
    const answer = {
      title: 'Busy',
      detail: 'All slots are taken.',
      remedy: 'Wait.',
      status: 409
    };
    expect(readProblem(answer)).toEqual(answer);
  });
});
