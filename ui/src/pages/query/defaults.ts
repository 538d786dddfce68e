import { config } from '../../config';
import type { PanelDefaults } from './panel';

/** How a new panel is on this server. */
export const defaults: PanelDefaults = {
  engine: config.features.defaultEngine,
  tenant: config.features.defaultTenant,
  partialResponse: config.features.partialResponse,
  autoDownsampling: config.features.autoDownsampling,
};
