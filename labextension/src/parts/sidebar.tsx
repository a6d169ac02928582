import type { LabIcon } from '@jupyterlab/ui-components';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Message } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';

/** What a sidebar has before it shows anything. */
export interface ISidebarFrame {
  readonly id: string;
  /** Its name, also for those who don't see it. */
  readonly label: string;
  readonly icon: LabIcon;
  readonly commands: CommandRegistry;
  /** What it shows; a change in one of them is seen at once. */
  readonly models: readonly { readonly changed: ISignal<unknown, unknown> }[];
  /** What is read more often while the sidebar is shown. */
  readonly watched?: { watch(isWatched: boolean): void };
}

/** A sidebar of the platform: a region with a name, which takes the focus when it is activated. */
export abstract class Sidebar extends ReactWidget {
  constructor(private readonly frame: ISidebarFrame) {
    super();
    const { id, label, icon, models } = frame;
    this.id = id;
    this.title.icon = icon;
    this.title.caption = label;
    this.addClass('jp-Hops-panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', label);
    this.node.tabIndex = -1;
    for (const { changed } of models) {
      changed.connect(this.onChanged, this);
    }
  }

  protected get commands(): CommandRegistry {
    return this.frame.commands;
  }

  /** Runs a command, which says by itself what comes of it. */
  protected readonly run = (
    command: string,
    args?: ReadonlyPartialJSONObject
  ): void => {
    void this.commands.execute(command, args);
  };

  private readonly onChanged = (): void => {
    this.update();
  };

  protected override onActivateRequest(): void {
    this.node.focus();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.frame.watched?.watch(true);
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.frame.watched?.watch(false);
  }
}
