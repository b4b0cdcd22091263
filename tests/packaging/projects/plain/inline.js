import { begin } from './begin.js';
import init, { ParticipantSession } from './node_modules/stillhere/dist/inline.js';

begin(init, ParticipantSession);
