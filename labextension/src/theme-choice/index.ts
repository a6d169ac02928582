import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IThemeManager } from '@jupyterlab/apputils';
import { repeatLostChoices } from './choice';

/** Makes the first choice of a theme count, where Lab followed the system's light or dark until then. */
export const themeChoicePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyterlab-hops:theme-choice',
  description:
    "Makes the first choice of a theme count where Lab followed the system's.",
  autoStart: true,
  optional: [IThemeManager],
  activate: (app: JupyterFrontEnd, themes: IThemeManager | null): void => {
    if (themes !== null) {
      repeatLostChoices(app.commands, themes);
    }
  }
};
