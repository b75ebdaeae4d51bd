// Which columns the table has, in which order, and how many of them stay in place.
export default {
  template: `
    <div class="m-popped">
      <button ref="button" type="button" class="m-button m-small" popovertarget="column-choice" data-testid="columns-button">
        <svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true"><path d="M4 5h16v14H4zM9.5 5v14M15 5v14" /></svg>
        Columns
      </button>
      <section id="column-choice" ref="popover" popover class="m-popover m-columns" aria-label="Columns" data-testid="columns"
               @beforetoggle="place">
        <h2>Columns</h2>
        <ul>
          <li v-for="(column, at) in choices" :key="column.key" :data-testid="'column-' + column.key">
            <label class="m-check">
              <input type="checkbox" :checked="column.shown" :disabled="!at" @change="show(column.key, $event.target.checked)" />
              {{ column.label }}
            </label>
            <template v-if="column.shown">
              <button type="button" class="m-bare" :aria-pressed="at < pinned" :title="at < pinned ? 'Unpin' : 'Pin up to here'"
                      :aria-label="'Pin up to ' + column.label" data-testid="pin" @click="$emit('choose', keys, at < pinned ? at : at + 1)">
                <svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true"><path d="M9 4h6l-1 6 3 3H7l3-3zM12 13v7" /></svg>
              </button>
              <template v-if="at">
                <button type="button" class="m-bare" :aria-disabled="at === 1" :aria-label="'Move ' + column.label + ' up'"
                        title="Up" data-testid="up" @click="move($event, column.key, -1)">
                  <svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true"><path d="m6 14 6-6 6 6" /></svg>
                </button>
                <button type="button" class="m-bare" :aria-disabled="at === keys.length" :aria-label="'Move ' + column.label + ' down'"
                        title="Down" data-testid="down" @click="move($event, column.key, 1)">
                  <svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true"><path d="m6 10 6 6 6-6" /></svg>
                </button>
              </template>
            </template>
          </li>
        </ul>
        <p class="m-muted">Pinned columns stay in place when the others are scrolled.</p>
        <button type="button" class="m-button" :disabled="!chosen" data-testid="reset-columns" @click="$emit('choose', null, null)">
          Reset</button>
      </section>
    </div>`,
  props: { choices: { default: () => [] }, pinned: { default: 1 }, chosen: Boolean },
  emits: ["choose"],
  computed: {
    keys() {
      return this.choices.filter((column, at) => at && column.shown).map((column) => column.key);
    },
  },
  // A button that has moved with its column keeps the focus.
  beforeUpdate() {
    this.held = this.$el.contains(document.activeElement) ? document.activeElement : null;
  },
  updated() {
    if (this.held?.isConnected && this.held !== document.activeElement) this.held.focus();
  },
  methods: {
    place() {
      mooring.placePopover(this.$refs.popover, this.$refs.button);
    },
    show(key, shown) {
      this.$emit("choose", shown ? [...this.keys, key] : this.keys.filter((each) => each !== key), this.pinned);
    },
    move(event, key, by) {
      const keys = this.keys.filter((each) => each !== key);
      const at = this.keys.indexOf(key) + by;
      if (at < 0 || at > keys.length) return;
      keys.splice(at, 0, key);
      this.$emit("choose", keys, this.pinned);
    },
  },
};
