/** What other programs may use: encode an extract, or any of the steps by itself. */

export { encodeExtract } from "./encode.js";
export { EncodeError } from "./errors.js";
export { RecordEncoder, batchOf } from "./encoding/records.js";
export { checkExtract } from "./extract/checks.js";
export { FAULTS } from "./extract/faults.js";
export { readRegions } from "./extract/regions.js";
export { makeVendorKeys, openLinkageKey, writeLinkageKey } from "./keyfiles.js";
export { readLinkageKey, readReceiptKey, readSealingKey, readSigningKey, readVendorSealingKey } from "./keys.js";
export { modelOf, readModel } from "./model/model.js";
export { normalise } from "./normalise/rules.js";
export { readCredentials, rememberStatement, writeCredentials } from "./send/credentials.js";
export { deliver } from "./send/delivery.js";
export { NoServerError, SendError, ServerRefusedError } from "./send/errors.js";
export { Patience } from "./send/patience.js";
export { UploadServer } from "./send/server.js";
