import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { makeAsk } from '../api/requests';
import { IProjectModel } from '../tokens';
import { DOMAIN, VERSION } from '../identity';
import { LabKernels } from './kernels';
import { ProjectModel } from './model';

/** Provides the model; it begins to read once Lab is up, so that Lab's start does not wait for it. */
export const modelPlugin: JupyterFrontEndPlugin<IProjectModel> = {
  id: 'jupyterlab-hops:model',
  description: 'Provides the project of this notebook server.',
  autoStart: true,
  provides: IProjectModel,
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null
  ): IProjectModel => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const model = new ProjectModel(
      makeAsk(app.serviceManager.serverSettings, trans),
      new LabKernels(app),
      VERSION,
      trans
    );
    void app.restored.then(() => {
      model.start();
    });
    return model;
  }
};
