// How to have the alerts that are shown sent to a program.
export default {
  template: `
    <div class="m-subscribe" @keydown.esc="open = false" @focusout="left">
      <button type="button" class="m-button" :aria-expanded="open" aria-controls="subscribe" data-testid="subscribe" @click="open = !open">
        <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><path d="M5 12a7 7 0 0 1 7 7M5 5a14 14 0 0 1 14 14" /><circle cx="6" cy="18" r="1" class="m-filled" /></svg>
        Subscribe
      </button>
      <section v-if="open" id="subscribe" class="m-latest" aria-label="Subscribe" tabindex="-1" data-testid="subscription">
        <h2>Have these alerts sent to a program</h2>
        <p>Each alert arrives once, as a server-sent event, from the moment you run this:</p>
        <pre tabindex="0" data-testid="command">{{ command }}</pre>
        <p class="m-muted">{{ note }} After a break, the header <code>Last-Event-ID</code> with the last id goes on where it was.</p>
        <p><button type="button" class="m-button" data-testid="copy-command" @click="copy">{{ copied ? 'Copied' : 'Copy' }}</button></p>
      </section>
    </div>`,
  props: { query: String, note: String },
  data: () => ({ open: false, copied: false }),
  computed: {
    command() {
      return `curl -N '${location.origin}/api/v1/alerts/stream${this.query}'`;
    },
  },
  watch: {
    command() {
      this.copied = false;
    },
  },
  methods: {
    async copy() {
      await mooring.copy(this.command);
      this.copied = true;
    },
    left(event) {
      if (event.relatedTarget && !event.currentTarget.contains(event.relatedTarget)) this.open = false;
    },
  },
};
