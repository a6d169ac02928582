import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import type { ISession } from '../src/api/wire';
import {
  ageText,
  eachText,
  executorsText,
  memoryText,
  minutesText,
  ordinalText
} from '../src/parts/amounts';
import { foremost, moodOf, stateText, stateWords } from '../src/parts/states';
import { resourceRows } from '../src/project/resources';
import { normalLogdir, tabTitle } from '../src/tensorboard/logdir';
import { readProject } from '../src/api/wire';
import { PROJECT_ANSWER } from './answers';

const trans = nullTranslator.load('jupyterlab_hops');

function session(id: number, state: string): ISession {
  return {
    id,
    kind: 'pyspark',
    name: null,
    kernel: null,
    notebook: null,
    idleTimeout: null,
    ends: null,
    queue: null,
    state,
    reason: null,
    created: null,
    resources: null
  };
}

describe('amounts', () => {
  it.each([
    [512, '512 MiB'],
    [1024, '1 GiB'],
    [1536, '1.5 GiB'],
    [16384, '16 GiB']
  ])('write %i MiB as %s', (mib, text) => {
    expect(memoryText(mib, trans)).toBe(text);
  });

  it.each([
    [0, '0 min'],
    [45, '45 min'],
    [60, '1 h'],
    [150, '2 h 30 min'],
    [4320, '3 d']
  ])('write %i minutes as %s', (minutes, text) => {
    expect(minutesText(minutes, trans)).toBe(text);
  });

  it.each([
    [1, null, '1 executor'],
    [2, null, '2 executors'],
    [1, { least: 1, most: 4 }, '1 to 4 executors as needed'],
    [1, { least: 0, most: 1 }, '0 to 1 executor as needed']
  ])('write %i executors within %j as %s', (executors, bounds, text) => {
    expect(executorsText({ executors, bounds }, trans)).toBe(text);
  });

  it.each([
    [1, null, '1 core and 2 GiB'],
    [2, null, '1 core and 2 GiB each'],
    [1, { least: 1, most: 4 }, '1 core and 2 GiB each']
  ])('of %i executors within %j say %s', (executors, bounds, text) => {
    const each = { executor_cores: 1, executor_memory_mib: 2048 };
    const others = {
      driver_memory_mib: 1024,
      gpus_per_executor: 0,
      gpu_label: null
    };
    expect(eachText({ executors, bounds, ...each, ...others }, trans)).toBe(
      text
    );
  });

  it('of places in a row are ordinals', () => {
    const places = [1, 2, 3, 4, 11, 12, 13, 21, 22];
    expect(places.map(place => ordinalText(place, trans))).toEqual(
      '1st 2nd 3rd 4th 11th 12th 13th 21st 22nd'.split(' ')
    );
  });

  it('take a clock that runs behind for no time at all', () => {
    expect(ageText(1000, 900, trans)).toBe('0 min');
  });
});

describe('the resources of a server', () => {
  const options = readProject(PROJECT_ANSWER).options;

  it('leave out GPUs when there are none', () => {
    expect(resourceRows(options, trans)).toEqual([
      { label: 'Executors', text: '2' },
      { label: 'Each executor', text: '1 core, 2 GiB' },
      { label: 'Driver', text: '1 GiB' },
      { label: 'Stops when idle', text: 'after 2 h' }
    ]);
  });

  it('tell bounds, GPUs with their label, and that it never stops', () => {
    const rows = resourceRows(
      {
        ...options,
        allocation: 'dynamic',
        min_executors: 0,
        max_executors: 4,
        executor_cores: 2,
        gpus_per_executor: 2,
        gpu_label: 'a100',
        idle_timeout_minutes: 0
      },
      trans
    );
    expect(rows.map(row => row.text)).toEqual([
      '0 to 4, as needed',
      '2 cores, 2 GiB',
      '1 GiB',
      '2 (a100)',
      'never'
    ]);
  });
});

describe('the states of sessions', () => {
  it('are told in words, and one that is not known as it is', () => {
    expect(stateText('shutting_down', trans)).toBe('ending');
    expect(stateText('levitating', trans)).toBe('levitating');
  });

  it('tell the place of one that waits in the queue', () => {
    const queue = { position: 2, length: 5 };
    const waiting = { ...session(3, 'starting'), queue };
    expect(stateWords(waiting, trans)).toBe('waiting (2nd of 5)');
    expect(stateWords(session(3, 'starting'), trans)).toBe('starting');
    const [idle, busy] = [session(2, 'idle'), session(1, 'busy')];
    expect(foremost([waiting, idle, busy])).toBe(busy);
    expect(foremost([idle, waiting])).toBe(waiting);
  });

  it('are broken when a session failed or died', () => {
    expect(['error', 'dead'].map(moodOf)).toEqual(['broken', 'broken']);
  });

  it('of one that works stand for all, then of a healthy one, then of the newest', () => {
    const [dead, idle, busy] = [
      session(3, 'dead'),
      session(2, 'idle'),
      session(1, 'busy')
    ];
    expect(foremost([dead, idle, busy])).toBe(busy);
    expect(foremost([dead, idle])).toBe(idle);
    expect(foremost([dead])).toBe(dead);
    expect(foremost([])).toBeNull();
  });
});

describe('a log directory', () => {
  it.each([
    ['Experiments', 'Experiments'],
    [' /Experiments//run_1/ ', 'Experiments/run_1'],
    ['./Experiments/.', 'Experiments']
  ])('%j has the one form %j', (typed, logdir) => {
    expect(normalLogdir(typed)).toBe(logdir);
  });

  it('never leaves the project', () => {
    expect(normalLogdir('Experiments/../../other')).toBeNull();
  });

  it('gives its tab the name of its last part', () => {
    expect(tabTitle('Experiments/run_1')).toBe('run_1');
  });
});
