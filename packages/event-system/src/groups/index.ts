/**
 * The records of the log about consumer groups, beside the groups themselves: the key that signs delivery
 * ids, how pulled groups are set, and where groups stood. Consuming uses it, and an operator changes it.
 */
export type { PullSettings, PullSettingsChange } from '@tradpal/events'
export { DeliveryKeys, rotateDeliveryKey } from './delivery-keys.ts'
export { GroupPlaces } from './group-places.ts'
export {
  changePullSettings,
  eventTypesText,
  firstPullSettings,
  listPullSettings,
  MAX_ATTEMPTS,
  MAX_GROUPS,
  MOST_ATTEMPTS,
  pulledTypes,
  readPullSettings,
  removePullSettings
} from './pull-settings.ts'
