// One dead letter: why it was refused, what it holds, and another try.
export default {
  template: `
    <aside class="m-side m-letter" aria-label="Dead letter" data-testid="letter-panel" :data-letter-id="letter.id" @keydown.esc="escaped">
      <header>
        <div>
          <div class="m-path">{{ letter.topic }}</div>
          <h2>{{ letter.reason }}</h2>
        </div>
        <button type="button" class="m-button m-icon" title="Close" aria-label="Close the letter" data-testid="close-letter" @click="$emit('close')">
          <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d="M6 6l12 12M18 6L6 18" /></svg>
        </button>
      </header>
      <div class="m-body" tabindex="0" ref="panel">
        <p class="m-told m-bad" data-testid="message">{{ letter.message }}</p>
        <p class="m-meaning">{{ letter.meaning }}</p>
        <p class="m-muted">{{ letter.remedy }}</p>
        <dl class="m-pairs">
          <dt>Reason</dt><dd><code>{{ letter.code }}</code></dd>
          <dt>Refused</dt><dd>{{ date(letter.at) }} · {{ ago(letter.at) }}</dd>
          <dt>Where</dt><dd>partition {{ letter.partition }}, offset {{ letter.offset }}</dd>
          <dt>Key</dt><dd data-testid="key"><code v-if="letter.key !== null">{{ letter.key }}</code><span v-else class="m-muted">none</span></dd>
          <template v-for="header in letter.headers" :key="header.name"><dt>Header</dt><dd><code>{{ header.name }}: {{ header.value }}</code></dd></template>
          <dt>Size</dt><dd>{{ letter.size || 'no value' }}</dd>
        </dl>
        <h3>Value</h3>
        <ul v-if="letter.readable" class="m-tree" data-testid="value">
          <li v-for="(line, at) in letter.lines" :key="at" :style="{ paddingLeft: 18 * line.depth + 'px' }" :class="'m-kind-' + line.kind">
            <span>{{ line.name }}</span> <code>{{ line.text }}</code> <small v-if="line.at">{{ date(line.at) }}</small>
          </li>
          <li v-if="letter.further" class="m-muted">and {{ letter.further }} more; copy it as JSON to see all</li>
        </ul>
        <template v-else-if="letter.size">
          <p class="m-muted">It cannot be read as a record of its topic. Its bytes:</p>
          <pre class="m-code m-hex" tabindex="0" data-testid="hex">{{ letter.hex }}</pre>
          <p v-if="letter.hidden" class="m-muted">and {{ letter.hidden.toLocaleString() }} bytes more</p>
        </template>
        <p v-else class="m-muted">The record has no value.</p>
      </div>
      <footer>
        <p v-if="letter.replayed && !step" class="m-told" :class="'m-' + letter.replayed.tone" role="status" data-testid="outcome">
          <b>{{ letter.replayed.label }}.</b> {{ letter.replayed.text }}
          <a v-if="letter.replayed.again" :href="'?letter=' + letter.replayed.again" data-testid="again"
             @click.exact.prevent="$emit('open', letter.replayed.again)">See the new letter</a>
        </p>
        <p v-if="step" class="m-told m-info" role="status">{{ step }}</p>
        <template v-if="sure">
          <span>Send it to {{ letter.topic }} again, as it was?</span>
          <button type="button" class="m-button m-primary" ref="confirm" data-testid="confirm-replay" @click="replay">Replay</button>
          <button type="button" class="m-button" data-testid="cancel-replay" @click="sure = false">Cancel</button>
        </template>
        <template v-else>
          <button type="button" class="m-button" :disabled="!!step" data-testid="replay" @click="ask">{{ letter.replayed?.unsent ? 'Try again' : 'Replay' }}</button>
          <button type="button" class="m-button" data-testid="copy" @click="copy">{{ copied || 'Copy as JSON' }}</button>
        </template>
      </footer>
    </aside>`,
  props: { letter: Object },
  emits: ["close", "open", "replay"],
  data: () => ({ sure: false, copied: "", step: "", now: Date.now() }),
  mounted() {
    this.clock = setInterval(() => (this.now = Date.now()), 5000);
  },
  unmounted() {
    clearInterval(this.clock);
  },
  watch: {
    "letter.id"() {
      Object.assign(this, { sure: false, copied: "" });
      this.$refs.panel.scrollTop = 0;
    },
  },
  methods: {
    tell(step) {
      this.step = step;
    },
    ask() {
      this.sure = true;
      this.$nextTick(() => this.$refs.confirm.focus());
    },
    replay() {
      this.sure = false;
      this.$emit("replay", [this.letter.id]);
    },
    async copy() {
      try {
        const answer = await fetch(`/api/v1/dead-letters/${encodeURIComponent(this.letter.id)}`);
        await mooring.copy(JSON.stringify(await answer.json(), null, 2));
        this.copied = "Copied";
      } catch {
        this.copied = "Could not be copied";
      }
    },
    escaped() {
      if (this.sure) this.sure = false;
      else this.$emit("close");
    },
    ago(at) {
      return mooring.ago(at, this.now);
    },
    date: (at) => mooring.date(at),
  },
};
