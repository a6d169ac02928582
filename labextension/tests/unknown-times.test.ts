import { DirListing } from '@jupyterlab/filebrowser';
import type { Contents } from '@jupyterlab/services';
import { describe, expect, it } from 'vitest';
import { shown } from '../src/unknown-times/shown';

const EPOCH = '1970-01-01T00:00:00Z';
const LATER = '2026-05-04T10:00:00Z';

function model(last_modified: string): Contents.IModel {
  return {
    name: '2026',
    path: 'raw/2026',
    type: 'directory',
    last_modified,
    created: last_modified,
    writable: true,
    content: null,
    format: null,
    mimetype: ''
  };
}

describe('a row of the file browser', () => {
  it('shows no time where none is known, also where it showed another one before', () => {
    const renderer = new DirListing.Renderer();
    shown(renderer);
    const row = renderer.createItemNode();
    const time = (): string | null | undefined =>
      row.querySelector('.jp-DirListing-itemModified')?.textContent;

    renderer.updateItemNode(row, model(LATER));
    const known = time();
    expect(known).not.toBe('');

    renderer.updateItemNode(row, model(EPOCH));
    expect(time()).toBe('');
    expect(row.title).not.toContain('70');

    renderer.updateItemNode(row, model(LATER));
    expect(time()).toBe(known);
  });
});
