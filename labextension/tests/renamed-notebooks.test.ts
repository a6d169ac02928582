import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Signal } from '@lumino/signaling';
import { beforeEach, describe, expect, it } from 'vitest';
import type { IRename } from '../src/renamed-notebooks/renames';
import { onRenames } from '../src/renamed-notebooks/renames';

class ScriptedContext {
  readonly pathChanged = new Signal<this, string>(this);

  constructor(public path: string) {}

  rename(path: string): void {
    this.path = path;
    this.pathChanged.emit(path);
  }
}

describe('notebooks that are renamed', () => {
  const days = 'Jupyter/days.ipynb';
  let context: ScriptedContext;
  let fileChanged: Signal<unknown, unknown>;
  let told: IRename[];

  function file(before: string, after: string, type = 'notebook'): void {
    const newValue = { path: after, type };
    fileChanged.emit({ type: 'rename', oldValue: { path: before }, newValue });
  }

  beforeEach(() => {
    context = new ScriptedContext(days);
    fileChanged = new Signal<unknown, unknown>({});
    told = [];
    const app = {
      serviceManager: {
        contents: { fileChanged },
        sessions: { runningChanged: new Signal<unknown, unknown>({}) }
      },
      shell: { widgets: () => [{ sessionContext: {}, context }] }
    } as unknown as JupyterFrontEnd;
    onRenames(app, rename => told.push(rename));
  });

  it('are told once, whether their file or their tab tells first', async () => {
    file(days, 'Jupyter/b.ipynb');
    context.rename('Jupyter/b.ipynb');
    await Promise.resolve();
    context.rename('Jupyter/c.ipynb');
    file('Jupyter/b.ipynb', 'Jupyter/c.ipynb');
    await Promise.resolve();
    expect(told).toEqual([
      { before: days, after: 'Jupyter/b.ipynb' },
      { before: 'Jupyter/b.ipynb', after: 'Jupyter/c.ipynb' }
    ]);
  });

  it('are told when they are not open, and when they are saved under another name', async () => {
    file('Jupyter/closed.ipynb', 'Jupyter/old/closed.ipynb');
    await Promise.resolve();
    context.rename('Jupyter/copy.ipynb');
    await Promise.resolve();
    expect(told).toEqual([
      { before: 'Jupyter/closed.ipynb', after: 'Jupyter/old/closed.ipynb' },
      { before: days, after: 'Jupyter/copy.ipynb' }
    ]);
  });

  it('with a folder above them are told by that alone', async () => {
    file('Jupyter', 'Old', 'directory');
    context.rename('Old/days.ipynb');
    await Promise.resolve();
    expect(told).toEqual([{ before: 'Jupyter', after: 'Old' }]);
  });

  it('are no other files, nor what has the path that it had', async () => {
    file('Jupyter/a.csv', 'Jupyter/b.csv', 'file');
    fileChanged.emit({ type: 'save', oldValue: null, newValue: {} });
    context.rename(days);
    await Promise.resolve();
    expect(told).toEqual([]);
  });
});
