/** Every command of this extension; all can be called by others. */
export const CommandIDs = {
  /** Shows the sidebar panel. */
  showProject: 'hops:show-project',
  /** Reads project and sessions now. */
  refresh: 'hops:refresh-project',
  /** Opens the project's page in a browser tab. */
  openProjectPage: 'hops:open-project-page',
  /** Opens the list of my projects in a browser tab. */
  openProjects: 'hops:open-projects',
  /** Opens the welcome notebook. */
  openWelcome: 'hops:open-welcome',
  /** Stops this notebook server. */
  stopServer: 'hops:stop-server',
  /** Restarts this notebook server. */
  restartServer: 'hops:restart-server',
  /** Restarts the Spark session of argument `id`, else that of the current tab. */
  restartSession: 'hops:restart-session',
  /** Ends the Spark session of argument `id`, else that of the current tab. */
  endSession: 'hops:end-session',
  /** Shows the sidebar with the Spark sessions. */
  showSessions: 'hops:show-sessions',
  /** Ends the Spark session of argument `id`, one's own or, for a Data Owner, another member's. */
  stopSession: 'hops:stop-session',
  /** Runs a cell in the current notebook that attaches my Spark session of argument `id`. */
  attachSession: 'hops:attach-session',
  /** Ends my idle Spark sessions or, with argument `whose: 'others'`, those of the project's other members. */
  stopIdleSessions: 'hops:stop-idle-sessions',
  /** Opens Spark's own pages of the session of argument `id`, else of that of the current tab. */
  openSparkPages: 'hops:open-spark-pages',
  /** Shows the Spark pages of the current tab anew. */
  reloadSparkPages: 'hops:reload-spark-pages',
  /** Opens the Spark pages of the current tab in a browser tab. */
  detachSparkPages: 'hops:detach-spark-pages',
  /** Opens a TensorBoard over argument `logdir`, or asks for it. */
  openTensorBoard: 'hops:open-tensorboard',
  /** Opens a TensorBoard over the folder selected in the file browser. */
  openFolderInTensorBoard: 'hops:open-folder-in-tensorboard',
  /** Reloads the TensorBoard of the current tab. */
  reloadTensorBoard: 'hops:reload-tensorboard',
  /** Opens the TensorBoard of the current tab in a browser tab. */
  detachTensorBoard: 'hops:detach-tensorboard',
  /** Ends the TensorBoard of the current tab and closes the tab. */
  stopTensorBoard: 'hops:stop-tensorboard',
  /** Shows the sidebar with the datasets. */
  showDatasets: 'hops:show-datasets',
  /** Reads the datasets now. */
  refreshDatasets: 'hops:refresh-datasets',
  /** Shows the dataset of argument `dataset` in the file browser. */
  openDataset: 'hops:open-dataset',
  /** Opens the window in which the dataset of argument `dataset`, else that of the file browser's selection, is shared. */
  shareDataset: 'hops:share-dataset',
  /** Opens the window in which that dataset is published or withdrawn. */
  publishDataset: 'hops:publish-dataset',
  /** Tells who has access to that dataset. */
  showDatasetUsers: 'hops:show-dataset-users',
  /** Tells what that dataset is. */
  describeDataset: 'hops:describe-dataset',
  /** Downloads the selected file, or opens the page from which files of that dataset are downloaded. */
  downloadFromDataset: 'hops:download-from-dataset',
  /** Opens the window in which offers are answered and datasets are given back. */
  answerOffers: 'hops:answer-offers',
  /** Opens the window in which published datasets that argument `search` matches are found and added. */
  findDatasets: 'hops:find-datasets'
} as const;
