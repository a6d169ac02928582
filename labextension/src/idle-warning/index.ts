import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { DOMAIN } from '../identity';
import { IProjectModel } from '../tokens';
import { IdleWarning } from './warning';

/** Says beforehand that an idle Spark session is about to end. */
export const idleWarningPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:idle-warning',
  description:
    'Warns before one of my Spark sessions ends because nothing was run, and lets me keep it.',
  autoStart: true,
  requires: [IProjectModel],
  optional: [ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    model: IProjectModel,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    // It lives as long as the model, which is as long as the page.
    new IdleWarning(model, trans);
  }
};
