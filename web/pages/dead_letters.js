// The dead letters, the newest first, with a way to replay several.
export default {
  mixins: [mooring.list],
  template: `
    <div class="m-list m-letters" :aria-busy="busy" data-testid="letter-list">
      <list-news :unseen="unseen" noun="dead letter" @follow="toTop"></list-news>
      <div v-if="picked.length || step || result" class="m-batch" data-testid="batch">
        <template v-if="step"><span role="status" data-testid="replay-progress">{{ step }}</span></template>
        <template v-else-if="picked.length">
          <b data-testid="picked">{{ picked.length }} selected</b>
          <template v-if="sure">
            <span>Send {{ picked.length === 1 ? 'it' : 'them' }} again, as {{ picked.length === 1 ? 'it was' : 'they were' }}?</span>
            <button type="button" class="m-button m-primary" data-testid="confirm-selected" @click="replay">Replay {{ picked.length }}</button>
            <button type="button" class="m-button" @click="sure = false">Cancel</button>
          </template>
          <template v-else>
            <button type="button" class="m-button" data-testid="replay-selected" @click="sure = true">Replay selected</button>
            <button type="button" class="m-button m-plain" @click="chosen = {}">Clear selection</button>
          </template>
        </template>
        <span v-if="result && !step" role="status" class="m-result" data-testid="replay-result">{{ result }}</span>
      </div>
      <table v-show="!empty" class="m-table" aria-label="Dead letters" data-testid="letters">
        <thead>
          <tr>
            <th scope="col" class="m-col-pick"><input type="checkbox" aria-label="Select all that are shown" data-testid="pick-all"
                :checked="rows.length > 0 && picked.length === rows.length" :indeterminate="picked.length > 0 && picked.length < rows.length" @change="pickAll($event.target.checked)" /></th>
            <th scope="col">Reason</th><th scope="col">Message</th><th scope="col" class="m-col-topic">From</th><th scope="col" class="m-col-when">When</th>
          </tr>
        </thead>
        <tbody>
          <tr v-for="row in rows" :key="row.id" class="m-version" :class="{ 'm-selected': row.id === selected, 'm-arrived': arrived[row.id] }"
              :aria-current="row.id === selected" data-row data-testid="letter-row" :data-letter-id="row.id" @click="clicked(row)">
            <td class="m-col-pick" @click.stop><input type="checkbox" v-model="chosen[row.id]" :aria-label="'Select: ' + row.message" data-testid="pick" /></td>
            <td class="m-col-reason">
              <a :href="'?letter=' + row.id" @click.exact.prevent.stop="$emit('open', row.id)">{{ row.reason }}</a>
              <div v-if="row.replayed" :class="'m-' + row.replayed.tone" data-testid="replayed"><small>{{ row.replayed.label }}</small></div>
            </td>
            <td class="m-col-message" :title="row.message">{{ row.message }}</td>
            <td class="m-col-topic"><div>{{ row.topic }}</div><small>{{ row.where }}</small></td>
            <td class="m-col-when"><time :datetime="iso(row.at)" :title="date(row.at)">{{ ago(row.at) }}</time></td>
          </tr>
        </tbody>
      </table>
      <list-end :empty="empty" :more="more" unmatched="No dead letter matches" reason="None has this reason and topic."
                @more="$emit('more')" @clear="$emit('clear')">
        <svg viewBox="0 0 24 24" width="40" height="40" aria-hidden="true"><rect x="3.5" y="6" width="17" height="12.5" rx="2" /><path d="m4 7.5 8 6 8-6" /></svg>
        <h2>No dead letters</h2>
        <p>Everything that was reported could be used. What cannot be is never dropped: it is kept here with the reason,
          to be looked at and sent again.</p>
      </list-end>
    </div>`,
  emits: ["replay"],
  data: () => ({ chosen: {}, sure: false, step: "", result: "" }),
  computed: {
    picked() {
      return this.rows.filter((row) => this.chosen[row.id]).map((row) => row.id);
    },
  },
  watch: {
    picked(picked) {
      if (!picked.length) this.sure = false;
    },
  },
  methods: {
    // What was replayed is no longer selected, what could not be sent still is.
    tell(step, result) {
      Object.assign(this, { step, result });
      if (step) return;
      for (const row of this.rows) if (row.replayed && !row.replayed.unsent) delete this.chosen[row.id];
    },
    pickAll(all) {
      this.chosen = all ? Object.fromEntries(this.rows.map((row) => [row.id, true])) : {};
    },
    replay() {
      this.sure = false;
      this.$emit("replay", this.picked);
    },
  },
};
