import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { Widget } from '@lumino/widgets';
import { afterEach, describe, expect, it } from 'vitest';
import type { IOverviewItem } from '../src/api/overview';
import { attachSession } from '../src/sessions/attach';

const trans = nullTranslator.load('jupyterlab_hops');
const SESSION = { id: 7, kind: 'pyspark' } as IOverviewItem;

async function attached(kernel: string | null): Promise<string[]> {
  const commands = new CommandRegistry();
  const done: string[] = [];
  for (const name of [
    'enter-command-mode',
    'insert-cell-below',
    'replace-selection',
    'run-cell'
  ]) {
    commands.addCommand(`notebook:${name}`, {
      describedBy: { args: { type: 'object' } },
      execute: args => {
        const text = args['text'];
        done.push(typeof text === 'string' ? `${name} ${text}` : name);
      }
    });
  }
  const tab = new Widget();
  const session =
    kernel === null ? null : { type: 'notebook', kernel: { name: kernel } };
  Object.assign(tab, { sessionContext: { session } });
  await attachSession(SESSION, tab, commands, trans);
  tab.dispose();
  return done;
}

afterEach(() => {
  Notification.dismiss();
});

describe('attaching a session', () => {
  it('runs a cell of the current notebook that does it', async () => {
    expect(await attached('pyspark')).toEqual([
      'enter-command-mode',
      'insert-cell-below',
      'replace-selection %spark_session attach 7',
      'run-cell'
    ]);
    expect(Notification.manager.notifications).toEqual([]);
  });

  it.each([null, 'spark', 'python3'])(
    'says what to do where the current tab has the kernel %s',
    async kernel => {
      expect(await attached(kernel)).toEqual([]);
      const [told] = Notification.manager.notifications;
      expect(told?.message).toContain('with the kernel PySpark');
    }
  );
});
