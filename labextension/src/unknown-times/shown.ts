import type { DirListing } from '@jupyterlab/filebrowser';

const MODIFIED = '.jp-DirListing-itemModified';
type Renderer = Pick<
  DirListing.Renderer,
  'updateItemModified' | 'updateItemNode'
>;

/** The server says 1970 where it knows no time: without one, Lab shows that of what stood in the same row before. */
function isUnknown(time: string): boolean {
  return Date.parse(time) === 0;
}

/** Lets a renderer of the file browser show nothing where a time is not known. */
export function shown(renderer: Renderer): void {
  const showTime = renderer.updateItemModified.bind(renderer);
  const showRow = renderer.updateItemNode.bind(renderer);
  renderer.updateItemModified = (element, time, style) => {
    showTime(element, time, style);
    if (isUnknown(time)) {
      element.textContent = '';
      element.title = '';
    }
  };
  renderer.updateItemNode = (row, model, ...others) => {
    if (!isUnknown(model.last_modified)) {
      showRow(row, model, ...others);
      return;
    }
    showRow(row, { ...model, last_modified: '', created: '' }, ...others);
    const element = row.querySelector<HTMLElement>(MODIFIED);
    if (element !== null) {
      renderer.updateItemModified(
        element,
        model.last_modified,
        others[4] ?? 'short'
      );
    }
  };
}
