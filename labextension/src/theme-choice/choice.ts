import type { IThemeManager } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';

const CHANGE_THEME = 'apputils:change-theme';

/**
 * Chooses a theme again where Lab has only ceased to follow the system's.
 *
 * Lab's command (4.6) does one of the two: where it follows the system, which it does here until
 * somebody chooses, it ends that and forgets what was chosen. This can go when the command does both.
 */
export function repeatLostChoices(
  commands: CommandRegistry,
  themes: Pick<IThemeManager, 'theme' | 'setTheme'>
): void {
  commands.commandExecuted.connect((_, { id, args, result }) => {
    const theme = args['theme'];
    if (id === CHANGE_THEME && typeof theme === 'string') {
      void result.then(() =>
        themes.theme === theme ? undefined : themes.setTheme(theme)
      );
    }
  });
}
