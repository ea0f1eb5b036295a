/** Identifiers of containers: random 64-digit ids, the prefixes users type, and names for those who gave none. */
import { randomBelow, randomHex } from "../base/index.ts";

/** A new id: 64 hex digits, never all decimal in its first twelve, so that no tool takes the short form for a number. */
export function newId(): string {
  for (;;) {
    const id = randomHex(32);
    if (!/^\d+$/.test(id.slice(0, 12))) return id;
  }
}

/** Whether the text could be the beginning of an id. */
export function isIdPrefix(text: string): boolean {
  return /^[0-9a-f]{1,64}$/.test(text);
}

const QUALITIES =
  "agile amber bold brave bright brisk calm clever cosy crisp curly daring dapper eager early fair fleet fond frosty gentle glad golden green happy hardy humble jolly keen kind lively lucky mellow merry mild misty modest neat nimble noble patient plucky polite proud quick quiet rapid ready rosy salty sandy serene silver sleek smooth snug spry stable steady still sunny supple swift tidal tidy tranquil trusty vivid warm wavy wild wise witty young zesty".split(
    " ",
  );
/** Seaweeds, and those who live among them. */
const CREATURES =
  "abalone anchovy anemone barnacle blenny bream brill cockle cod conch coral cormorant cowrie crab cuttlefish dab dolphin dulse eel eelgrass fucus gannet goby grebe gull gunnel gurnard haddock hake heron herring krill laver limpet ling lobster lumpfish mackerel manta marlin mullet murre mussel nori octopus orca osprey otter oyster periwinkle petrel pipefish plaice pollock porpoise prawn puffin ray sardine scallop scoter seal shanny shark shrimp skate sole sponge sprat squid starfish sturgeon tang tern topshell trout tuna turbot turtle urchin wakame walrus whale whelk whiting wrack wrasse".split(
    " ",
  );

/** A name like `swift_otter`, for a container that was given none. */
export function randomName(): string {
  return `${QUALITIES[randomBelow(QUALITIES.length)]}_${CREATURES[randomBelow(CREATURES.length)]}`;
}
