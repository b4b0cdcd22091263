import { begin } from './begin.js';
import init, { ParticipantSession } from './node_modules/stillhere/dist/stillhere.js';

begin(init, ParticipantSession);
