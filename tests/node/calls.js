// Makes every call of the official Node client that is not about letters, and prints what came back
// as one JSON object: the Python test beside it judges. Settings come as environment variables under
// the names the official suites use.

const { NotifyClient } = require("notifications-node-client");

const env = process.env;
const client = (key) => new NotifyClient(env.NOTIFY_API_URL, key);
const testing = client(env.API_KEY);
const sending = client(env.API_SENDING_KEY);
const inbound = client(env.INBOUND_SMS_QUERY_KEY);
const unknown = "fa5f0a6e-5293-49f1-b99f-3fade784382f";
const personalisation = { name: "Foo" };
const reference = "node";

async function answered(call) {
  try {
    const { status, data } = await call;
    return { status, data };
  } catch (error) {
    if (!error.response) throw error;
    return { status: error.response.status, data: error.response.data };
  }
}

async function main() {
  const sms = (more) => ({ personalisation, reference, ...more });
  const number = env.FUNCTIONAL_TEST_NUMBER;
  const address = env.FUNCTIONAL_TEST_EMAIL;
  const said = {};
  const say = async (name, call) => {
    said[name] = await answered(call);
    return said[name].data;
  };
  const text = await say("send sms", testing.sendSms(env.SMS_TEMPLATE_ID, number, sms()));
  await say(
    "send sms as",
    sending.sendSms(env.SMS_TEMPLATE_ID, number, sms({ smsSenderId: env.SMS_SENDER_ID })),
  );
  const mail = await say("send email", testing.sendEmail(env.EMAIL_TEMPLATE_ID, address, sms()));
  await say(
    "send email to answer to",
    testing.sendEmail(
      env.EMAIL_TEMPLATE_ID,
      address,
      sms({ emailReplyToId: env.EMAIL_REPLY_TO_ID, oneClickUnsubscribeURL: "https://example.com/stop" }),
    ),
  );
  await say("get sms", testing.getNotificationById(text.id));
  await say("get email", testing.getNotificationById(mail.id));
  await say("get all", testing.getNotifications("sms", undefined, reference));
  await say("get older", testing.getNotifications(undefined, undefined, undefined, mail.id));
  await say("get template", testing.getTemplateById(env.SMS_TEMPLATE_ID));
  await say("get version", testing.getTemplateByIdAndVersion(env.EMAIL_TEMPLATE_ID, 1));
  await say("get templates", testing.getAllTemplates());
  await say("get email templates", testing.getAllTemplates("email"));
  await say("preview sms", testing.previewTemplateById(env.SMS_TEMPLATE_ID, personalisation));
  await say("preview email", testing.previewTemplateById(env.EMAIL_TEMPLATE_ID, personalisation));
  await say("received", inbound.getReceivedTexts());
  await say("unknown", testing.getNotificationById(unknown));
  await say("missing", testing.sendSms(env.SMS_TEMPLATE_ID, number, {}));
  await say("bad key", client(env.API_KEY.slice(0, -36) + unknown).getAllTemplates());
  process.stdout.write(JSON.stringify(said));
}

main();
