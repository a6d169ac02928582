import { CommandRegistry } from '@lumino/commands';
import { expect, it } from 'vitest';
import { repeatLostChoices } from '../src/theme-choice/choice';

const CHANGE_THEME = 'apputils:change-theme';

/** A theme manager, and Lab's command as it is: one that ends following the system does nothing more. */
function lab(follows: boolean): {
  commands: CommandRegistry;
  chosen: string[];
} {
  const chosen: string[] = [];
  const themes = {
    theme: 'JupyterLab Light',
    setTheme: (name: string): Promise<void> => {
      themes.theme = name;
      chosen.push(name);
      return Promise.resolve();
    }
  };
  const commands = new CommandRegistry();
  commands.addCommand(CHANGE_THEME, {
    describedBy: { args: { type: 'object' } },
    execute: args =>
      follows ? Promise.resolve() : themes.setTheme(args['theme'] as string)
  });
  repeatLostChoices(commands, themes);
  return { commands, chosen };
}

it.each([true, false])(
  'a chosen theme counts once (the system was followed: %s)',
  async follows => {
    const { commands, chosen } = lab(follows);
    await commands.execute(CHANGE_THEME, { theme: 'JupyterLab Dark' });
    await Promise.resolve();
    expect(chosen).toEqual(['JupyterLab Dark']);
  }
);
