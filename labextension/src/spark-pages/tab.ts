import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { sessionsIcon } from '../parts/icons';
import type { IProjectModel } from '../tokens';
import { SparkPagesContent } from './content';

/** A tab with Spark's own pages of a session. */
export type SparkPagesTab = MainAreaWidget<SparkPagesContent>;

/** A tab with the pages of session `session`. */
export function makeTab(
  session: number,
  model: IProjectModel,
  trans: TranslationBundle
): SparkPagesTab {
  const tab = new MainAreaWidget({
    content: new SparkPagesContent(session, model, trans)
  });
  tab.id = `jupyterlab-hops-spark-pages-${session}`;
  tab.title.label = trans.__('Spark UI: session %1', session);
  tab.title.caption = trans.__(
    'Jobs, stages and queries of session %1',
    session
  );
  tab.title.icon = sessionsIcon;
  tab.title.closable = true;
  return tab;
}
