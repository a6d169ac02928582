/** Version of this extension; a test keeps it equal to the one in package.json. */
export const VERSION = '0.1.0';

/** Under which its translations are found. */
export const DOMAIN = 'jupyterlab_hops';

/** Identifier of the sidebar panel *Project*. */
export const PANEL_ID = 'jupyterlab-hops-project';

/** Identifier of the sidebar panel *Spark sessions*. */
export const SESSIONS_PANEL_ID = 'jupyterlab-hops-sessions';

/** Identifier of the sidebar panel *Datasets*. */
export const DATASETS_PANEL_ID = 'jupyterlab-hops-datasets';
