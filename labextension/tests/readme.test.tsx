import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { expect, it, vi } from 'vitest';
import { Readme } from '../src/datasets/readme';

const trans = nullTranslator.load('jupyterlab_hops');

/** Shows the text itself. */
const rendermime = {
  createModel: (model: { data: object }) => model,
  createRenderer: () => {
    const widget = new Widget();
    return Object.assign(widget, {
      renderModel: async (model: { data: { 'text/markdown': string } }) => {
        widget.node.textContent = model.data['text/markdown'];
        return Promise.resolve();
      }
    });
  }
} as unknown as IRenderMimeRegistry;

it('a README that can not be read says why, and is read again', async () => {
  const get = vi
    .fn()
    .mockRejectedValueOnce(new Error('The storage does not answer.'))
    .mockResolvedValue({ content: '# Rain' });
  const readme = new Readme('raw/README.md', { get }, rendermime, trans);
  Widget.attach(readme, document.body);
  await readme.read();
  await vi.waitFor(() => {
    expect(readme.node.querySelector('[role=alert]')?.textContent).toContain(
      'The storage does not answer.'
    );
  });
  readme.node.querySelector('button')?.click();
  await vi.waitFor(() => {
    expect(readme.node.textContent).toBe('# Rain');
  });
});
