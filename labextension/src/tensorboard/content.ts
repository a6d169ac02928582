import type { TranslationBundle } from '@jupyterlab/translation';
import type { ITensorBoard } from '../api/wire';
import { FramedContent } from '../parts/framed-content';
import type { IProjectModel } from '../tokens';

/** A TensorBoard; it is started when it is first seen. */
export class TensorBoardContent extends FramedContent {
  /**
   * @param logdir - log directory, relative to the project's folder.
   */
  constructor(
    readonly logdir: string,
    private readonly model: IProjectModel,
    trans: TranslationBundle
  ) {
    super(trans);
    this.addClass('jp-Hops-tensorboard');
  }

  /** The TensorBoard that is shown; null until it has started. */
  get tensorboard(): ITensorBoard | null {
    return this._tensorboard;
  }

  /** Shows the TensorBoard anew; starts it again if it has ended. */
  async reload(): Promise<void> {
    this._tensorboard = null;
    const waiting = this.wait(this.trans.__('Starting TensorBoard…'));
    try {
      this._tensorboard = await this.model.startTensorBoard(this.logdir);
    } catch (reason) {
      if (!waiting.isDisposed) {
        this.fail(reason);
      }
      return;
    }
    if (!waiting.isDisposed) {
      this.display(
        this.frame(
          this._tensorboard.url,
          this.trans.__('TensorBoard over %1', this.logdir),
          [
            'allow-downloads',
            'allow-forms',
            'allow-popups',
            'allow-same-origin',
            'allow-scripts'
          ]
        )
      );
    }
  }

  private _tensorboard: ITensorBoard | null = null;
}
