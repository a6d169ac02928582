import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { tensorboardIcon } from '../parts/icons';
import type { IProjectModel } from '../tokens';
import { TensorBoardContent } from './content';
import { tabTitle } from './logdir';

/** A tab with a TensorBoard. */
export type TensorBoardTab = MainAreaWidget<TensorBoardContent>;

/** A tab over `logdir`; it starts its TensorBoard when it is first seen. */
export function makeTab(
  logdir: string,
  model: IProjectModel,
  trans: TranslationBundle
): TensorBoardTab {
  const tab = new MainAreaWidget({
    content: new TensorBoardContent(logdir, model, trans)
  });
  tab.id = `jupyterlab-hops-tensorboard-${encodeURIComponent(logdir)}`;
  tab.title.label = trans.__('TensorBoard: %1', tabTitle(logdir));
  tab.title.caption = trans.__('TensorBoard over %1', logdir);
  tab.title.icon = tensorboardIcon;
  tab.title.closable = true;
  return tab;
}
