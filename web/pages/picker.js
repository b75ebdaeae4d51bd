// A button that opens a list of versions to pick one from: those offered first, any other by search.
export default {
  template: `
    <div class="m-picker" @keydown.esc="escaped" @focusout="left">
      <button ref="button" type="button" class="m-button" :aria-expanded="open" aria-haspopup="dialog"
              :data-testid="testid" @click="turn">{{ label }}</button>
      <section v-if="open" class="m-latest m-picked" role="dialog" :aria-label="label" data-testid="picker">
        <label class="m-search">
          <span class="m-hidden">Search any version</span>
          <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><circle cx="10.5" cy="10.5" r="6" /><path d="m15 15 5 5" /></svg>
          <input ref="text" type="search" v-model="text" maxlength="1100" placeholder="Any version, by name or key"
                 data-testid="picker-search" @input="typed" @keydown.down.prevent="step(0, 1)" @keydown.enter="first" />
        </label>
        <p v-if="!offer.ready" class="m-muted" role="status">Looking…</p>
        <template v-else>
          <h2>{{ offer.heading }}</h2>
          <p v-if="!offer.found.length" class="m-muted">{{ offer.none }}</p>
          <ul v-else>
            <li v-for="(each, n) in offer.found" :key="each.key">
              <button ref="found" type="button" data-testid="picker-found" :data-version-key="each.key" @click="pick(each.key)"
                      @keydown.down.prevent="step(n, 1)" @keydown.up.prevent="step(n, -1)">
                <span><b>{{ each.name }}</b> <span v-if="each.active" class="m-tag">Active</span><br />
                  <small>{{ each.path }}</small></span>
                <span class="m-number">{{ each.value }}</span>
              </button>
            </li>
          </ul>
        </template>
      </section>
    </div>`,
  props: { label: String, testid: String, offer: { default: () => ({ ready: false, found: [] }) } },
  emits: ["find", "pick"],
  data: () => ({ open: false, text: "" }),
  beforeUnmount() {
    clearTimeout(this.waiting);
  },
  methods: {
    turn() {
      this.open = !this.open;
      this.text = "";
      if (!this.open) return this.closed();
      this.$emit("find", "");
      this.$nextTick(() => this.$refs.text.focus());
    },
    // Then nothing more is looked for.
    closed() {
      clearTimeout(this.waiting);
      this.open = false;
      this.$emit("find", null);
    },
    typed() {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.$emit("find", this.text.trim()), 200);
    },
    first() {
      if (this.offer.found.length === 1) this.pick(this.offer.found[0].key);
    },
    step(from, by) {
      const found = this.$refs.found ?? [], starting = document.activeElement === this.$refs.text;
      const place = starting ? 0 : from + by;
      (place < 0 ? this.$refs.text : found[Math.min(place, found.length - 1)])?.focus();
    },
    pick(key) {
      this.closed();
      this.$refs.button.focus();
      this.$emit("pick", key);
    },
    // The list closes; what is around it, which Escape would close as well, does not.
    escaped(event) {
      if (!this.open) return;
      event.stopPropagation();
      event.preventDefault();
      this.closed();
      this.$refs.button.focus();
    },
    left(event) {
      if (this.open && !event.currentTarget.contains(event.relatedTarget)) this.closed();
    },
  },
};
